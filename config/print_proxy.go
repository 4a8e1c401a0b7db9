package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/anygate/anygate/policy/quantity"
)

func (c *Config) printUpstreams(b *strings.Builder) {
	if !slices.ContainsFunc(c.Upstreams, func(u Upstream) bool { return u.Named }) {
		return
	}
	b.WriteString("upstreams:\n")
	for i := range c.Upstreams {
		u := &c.Upstreams[i]
		if !u.Named {
			continue
		}
		fmt.Fprintf(b, "  %s:\n    members:\n", quoteYAML(u.Name))
		for _, m := range u.Members {
			fmt.Fprintf(b, "      - %s\n", quoteYAML(m.String()))
		}
		if u.Balance != nil {
			fmt.Fprintf(b, "    balance: %s\n", quoteYAML(u.Balance.Args()))
		}
		if u.Own {
			u.Pool.print(b)
		}
	}
}

// String writes the member as `upstreams` has it.
func (m Member) String() string {
	s := m.Addr
	switch m.Scheme {
	case "http":
	case "https":
		s = "https://" + s
	default:
		s = m.Scheme + ":" + s
	}
	if m.Weight != 1 {
		s += " weight " + strconv.Itoa(m.Weight)
	}
	if m.Backup {
		s += " backup"
	}
	return s
}

// print writes all settings of a pool but the way to balance.
func (p *Pool) print(b *strings.Builder) {
	line := func(key, value string) { fmt.Fprintf(b, "    %s: %s\n", key, value) }
	line("health", p.Health.String())
	line("passive", p.Passive.String())
	line("breaker", p.Breaker.String())
	line("panic", p.Panic.String())
	line("slow-start", durationOrWord("off", p.SlowStart))
	line("limits", p.Limits.String())
	line("keepalive", p.keepAlive())
	line("resolve", p.Resolve.String())
	if p.TLS != nil {
		line("tls", p.TLS.String())
	}
	if p.ProxyProtocol > 0 {
		line("proxy-protocol", "v"+strconv.Itoa(p.ProxyProtocol))
	}
	if p.Protocol != HTTP1 {
		line("protocol", p.Protocol.String())
		line("grpc-failures", p.grpcFailures())
	}
}

// String writes the checks as `health` has them.
func (h *Health) String() string {
	if h == nil {
		return quoteYAML("off")
	}
	ranges := make([]string, len(h.Status))
	for i, r := range h.Status {
		ranges[i] = r.String()
	}
	asks, passes := "path: "+quoteYAML(h.Path), ", status: "+flowList(ranges)
	switch {
	case h.GRPC && h.Service != "":
		asks, passes = "grpc: "+quoteYAML(h.Service), ""
	case h.GRPC:
		asks, passes = "grpc: "+quoteYAML("on"), ""
	}
	s := fmt.Sprintf(
		"{%s, every: %s, jitter: %s, timeout: %s, rise: %d, fall: %d%s", asks,
		quantity.FormatDuration(h.Every), h.Jitter, quantity.FormatDuration(h.Timeout), h.Rise, h.Fall, passes,
	)
	if h.Host != "" {
		s += ", host: " + quoteYAML(h.Host)
	}
	return s + "}"
}

// String writes the ejection as `passive` has it.
func (p *Passive) String() string {
	if p == nil {
		return quoteYAML("off")
	}
	return fmt.Sprintf(
		"{errors: %s, latency: %s, eject: %s, max: %s}", orWord("off", p.Errors), durationOrWord("off", p.Latency),
		quantity.FormatDuration(p.Eject), p.Max,
	)
}

// String writes the breaker as `breaker` has it.
func (k *Breaker) String() string {
	if k == nil {
		return quoteYAML("off")
	}
	return fmt.Sprintf(
		"{errors: %s, window: %s, min: %d, open: %s}", k.Errors, quantity.FormatDuration(k.Window), k.Min, quantity.FormatDuration(k.Open),
	)
}

// String writes the limits as `limits` has them.
func (p PoolLimits) String() string {
	s := fmt.Sprintf("{connections: %s, requests: %s", orWord("unlimited", p.Connections), orWord("unlimited", p.Requests))
	if p.Connections > 0 || p.Requests > 0 {
		s += ", queue: " + strconv.Itoa(p.Queue)
	}
	if p.Queue > 0 {
		s += ", wait: " + quantity.FormatDuration(p.Wait)
	}
	return s + "}"
}

// keepAlive writes the times and numbers as `keepalive` has them.
func (p *Pool) keepAlive() string {
	k := &p.KeepAlive
	s := fmt.Sprintf(
		"{idle: %s, age: %s, requests: %s, connections: %d, warm: %d", quantity.FormatDuration(k.Idle), durationOrWord("unlimited", k.Age),
		orWord("unlimited", k.Requests), k.Connections, k.Warm,
	)
	if p.Protocol != HTTP1 {
		s += fmt.Sprintf(", streams: %d, ping: %s", k.Streams, durationOrWord("off", k.Ping))
	}
	return s + "}"
}

// String writes the look-ups as `resolve` has them.
func (r Resolve) String() string {
	s := "{every: " + durationOrWord("auto", r.Every)
	if r.Every == 0 {
		s += ", min: " + quantity.FormatDuration(r.Min) + ", max: " + quantity.FormatDuration(r.Max)
	}
	if len(r.Servers) > 0 {
		servers := make([]string, len(r.Servers))
		for i, ap := range r.Servers {
			servers[i] = ap.String()
		}
		s += ", servers: " + flowList(servers)
	}
	return s + "}"
}

// String writes the retries as `retry` has them.
func (r *Retry) String() string {
	return fmt.Sprintf(
		"{attempts: %d, on: %s, budget: %s, per-try: %s}", r.Attempts, flowList(r.causes()), r.Budget, durationOrWord("off", r.PerTry),
	)
}

// String writes the timeouts as `timeouts` has them.
func (t Timeouts) String() string {
	return fmt.Sprintf(
		"{connect: %s, first-byte: %s, idle: %s, tunnel: %s}", quantity.FormatDuration(t.Connect), quantity.FormatDuration(t.FirstByte),
		quantity.FormatDuration(t.Idle), quantity.FormatDuration(t.Tunnel),
	)
}

// printProxy writes what the file says for pools that say nothing themselves.
func (c *Config) printProxy(b *strings.Builder) {
	if c.Pool.Health == nil && c.Pool.Breaker == nil {
		return
	}
	b.WriteString("proxy:\n")
	if c.Pool.Health != nil {
		fmt.Fprintf(b, "  health: %s\n", c.Pool.Health)
	}
	if c.Pool.Breaker != nil {
		fmt.Fprintf(b, "  breaker: %s\n", c.Pool.Breaker)
	}
}

// printProxy writes what a proxy route has beside its targets.
func (r *Route) printProxy(b *strings.Builder) {
	fmt.Fprintf(b, "  balance: %s\n", quoteYAML(r.Balance.Args()))
	if r.OwnHealth {
		fmt.Fprintf(b, "  health: %s\n", r.Health)
	}
	if r.OwnBreaker {
		fmt.Fprintf(b, "  breaker: %s\n", r.Breaker)
	}
	fmt.Fprintf(b, "  retry: %s\n  timeouts: %s\n  upgrade: %s\n", &r.Retry, r.Timeouts, quoteYAML(onOff(r.Upgrade)))
}

// printErrors writes the pages of a level, if there are any.
func printErrors(b *strings.Builder, indent string, e *Errors) {
	if len(e.Pages) == 0 && e.Intercept == nil {
		return
	}
	fmt.Fprintf(b, "%serrors:\n", indent)
	for i := range e.Pages {
		p := &e.Pages[i]
		fmt.Fprintf(b, "%s  %s: %s\n", indent, p.Key(), quoteYAML(p.Text()))
	}
	if e.Intercept != nil {
		fmt.Fprintf(b, "%s  intercept: %s\n", indent, quoteYAML(onOff(*e.Intercept)))
	}
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

func durationOrWord(word string, d time.Duration) string {
	if d == 0 {
		return quoteYAML(word)
	}
	return quantity.FormatDuration(d)
}
