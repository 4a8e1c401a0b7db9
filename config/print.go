package config

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/anygate/anygate/policy/quantity"
	"github.com/anygate/anygate/route"
)

// Print writes the configuration as one file: every route in its full form with all that defaults and groups add to
// it, and every other setting with its effective value. Parsing what it writes gives the same configuration.
func (c *Config) Print(w io.Writer) error {
	var b strings.Builder
	c.printListen(&b)
	c.printTLS(&b)
	c.printUpstreams(&b)
	c.printProxy(&b)
	printErrors(&b, "", &c.Errors)
	b.WriteString("routes:\n")
	for i := range c.Routes {
		for line := range strings.Lines(c.Routes[i].Full()) {
			b.WriteString("  ")
			b.WriteString(line)
		}
	}
	c.printServer(&b)
	c.printAdmin(&b)
	c.Log.print(&b)
	c.Trace.print(&b)
	_, err := io.WriteString(w, b.String())
	return err
}

func (c *Config) printListen(b *strings.Builder) {
	b.WriteString("listen:\n")
	for _, ln := range c.Listen {
		fmt.Fprintf(b, "  - %s\n", quoteYAML(ln.String()))
	}
}

// String writes the address as `listen` has it.
func (ln Listener) String() string {
	s := ln.Addr
	if ln.Network == "unix" {
		s = "unix:" + s
	}
	if ln.TLS {
		s += " tls"
	}
	if ln.ProxyProtocol {
		s += " proxy-protocol"
	}
	if ln.Redirect {
		s += " redirect"
	}
	if ln.H2C {
		s += " h2c"
	}
	return s
}

// Full returns the route in its full form, as YAML that may stand in `routes`.
func (r *Route) Full() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s:\n", quoteYAML(r.Head.String()))
	switch r.Action.Kind {
	case route.Proxy:
		b.WriteString("  to:\n")
		for _, t := range r.Action.Targets {
			fmt.Fprintf(&b, "    - %s\n", quoteYAML(t.Raw))
		}
		r.printProxy(&b)
	case route.Static:
		key := "dir"
		if r.Static.File {
			key = "file"
		}
		fmt.Fprintf(&b, "  %s: %s\n", key, quoteYAML(r.Action.Path))
		r.Static.full(&b)
	case route.Fixed:
		fmt.Fprintf(&b, "  answer: %s\n", quoteYAML(r.Action.String()))
	case route.Redirect:
		fmt.Fprintf(&b, "  redirect: %s\n", quoteYAML(r.Action.String()))
	case route.Echo:
		fmt.Fprintf(&b, "  echo: %s\n", quoteYAML(r.Action.String()))
	}
	printErrors(&b, "  ", &r.Errors)
	if len(r.Policies) > 0 {
		b.WriteString("  use:\n")
		for _, p := range r.Policies {
			fmt.Fprintf(&b, "    - %s\n", quoteYAML(p.String()))
		}
	}
	return b.String()
}

func (c *Config) printServer(b *strings.Builder) {
	s := &c.Server
	b.WriteString("server:\n")
	fmt.Fprintf(b, "  engine: %s\n  shards: %s\n  spin: %s\n", s.Engine, orWord("auto", s.Shards), spinOrWord("off", s.Spin))
	b.WriteString("  limits:\n")
	fmt.Fprintf(b, "    request-line: %s\n", quantity.FormatSize(int64(s.Limits.RequestLine)))
	fmt.Fprintf(b, "    header-bytes: %s\n", quantity.FormatSize(int64(s.Limits.HeadBytes)))
	fmt.Fprintf(b, "    header-fields: %d\n", s.Limits.Fields)
	fmt.Fprintf(b, "    body: %s\n", sizeOrWord("unlimited", s.Limits.Body))
	fmt.Fprintf(b, "    connections: %s\n", orWord("auto", s.Limits.Connections))
	fmt.Fprintf(b, "    connections-per-address: %s\n", orWord("unlimited", s.Limits.ConnectionsPerAddress))
	fmt.Fprintf(b, "    loop-latency: %s\n", durationOrWord("off", s.Limits.LoopLatency))
	fmt.Fprintf(b, "    buffers: %s\n", sizeOrWord("auto", s.Limits.BufferBytes))
	fmt.Fprintf(b, "    files: %s\n", sizeOrWord("auto", s.Limits.FileBytes))
	t := &s.Timeouts
	fmt.Fprintf(
		b, "  timeouts: {header: %s, body: %s, idle: %s, write: %s, drain: %s}\n", quantity.FormatDuration(t.Header),
		quantity.FormatDuration(t.Body), quantity.FormatDuration(t.Idle), quantity.FormatDuration(t.Write), quantity.FormatDuration(t.Drain),
	)
	fmt.Fprintf(b, "  min-rate: {body: %s, write: %s}\n", rateOrWord("off", s.MinRate.Body), rateOrWord("off", s.MinRate.Write))
	fmt.Fprintf(b, "  h2: %s\n", s.H2.String())
	if len(s.Trust) > 0 {
		trust := make([]string, len(s.Trust))
		for i, p := range s.Trust {
			trust[i] = p.String()
		}
		fmt.Fprintf(b, "  trust: %s\n", flowList(trust))
	}
	if s.User.Name != "" {
		fmt.Fprintf(b, "  user: %s\n", quoteYAML(s.User.String()))
	}
	fmt.Fprintf(b, "  landlock: %s\n", s.Landlock.String())
}

func orWord(word string, n int) string {
	if n == 0 {
		return quoteYAML(word)
	}
	return strconv.Itoa(n)
}

func sizeOrWord(word string, n int64) string {
	if n == 0 {
		return quoteYAML(word)
	}
	return quantity.FormatSize(n)
}

func spinOrWord(word string, d time.Duration) string {
	if d == 0 {
		return quoteYAML(word)
	}
	return quantity.FormatShortDuration(d)
}

func rateOrWord(word string, n int64) string {
	if n == 0 {
		return quoteYAML(word)
	}
	return quantity.FormatByteRate(n)
}

func flowList(list []string) string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = quoteYAML(s)
	}
	return "[" + strings.Join(out, ", ") + "]"
}

// quoteYAML writes s as a double-quoted YAML string that JSON could hold as well, with ${ escaped, so that reading it
// gives s again whatever it holds.
func quoteYAML(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := 0; i < len(s); {
		r, width := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r < ' ' || r >= 0x7f && r <= 0x9f || r == 0x2028 || r == 0x2029 || r == 0xfeff || r == 0xfffe || r == 0xffff:
			fmt.Fprintf(&b, `\u%04x`, r)
		case strings.HasPrefix(s[i:], "${"):
			b.WriteString("$$")
		default:
			b.WriteRune(r)
		}
		i += width
	}
	b.WriteByte('"')
	return b.String()
}
