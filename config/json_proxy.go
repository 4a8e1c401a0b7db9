package config

import (
	"time"

	"github.com/anygate/anygate/policy/quantity"
)

// The JSON form of pools and of what proxy routes have. What is off is absent.

type jsonPool struct {
	Balance       string         `json:"balance,omitempty"`
	Health        *jsonHealth    `json:"health,omitempty"`
	Passive       *jsonPassive   `json:"passive,omitempty"`
	Breaker       *jsonBreaker   `json:"breaker,omitempty"`
	Panic         string         `json:"panic"`
	SlowStart     string         `json:"slow_start"`
	Limits        map[string]any `json:"limits"`
	KeepAlive     map[string]any `json:"keepalive"`
	Resolve       jsonResolve    `json:"resolve"`
	ProxyProtocol int            `json:"proxy_protocol,omitempty"`
	Protocol      string         `json:"protocol,omitempty"`
	GRPCFailures  []string       `json:"grpc_failures,omitempty"`
	TLS           map[string]any `json:"tls,omitempty"`
}

type jsonHealth struct {
	Path    string   `json:"path,omitempty"`
	GRPC    *string  `json:"grpc,omitempty"` // the service, "" for the server as a whole
	Host    string   `json:"host,omitempty"`
	Every   string   `json:"every"`
	Jitter  string   `json:"jitter"`
	Timeout string   `json:"timeout"`
	Rise    int      `json:"rise"`
	Fall    int      `json:"fall"`
	Status  []string `json:"status,omitempty"`
}

type jsonPassive struct {
	Errors  any    `json:"errors"`
	Latency string `json:"latency"`
	Eject   string `json:"eject"`
	Max     string `json:"max"`
}

type jsonBreaker struct {
	Errors string `json:"errors"`
	Window string `json:"window"`
	Min    int    `json:"min"`
	Open   string `json:"open"`
}

type jsonResolve struct {
	Every   string   `json:"every"`
	Min     string   `json:"min,omitempty"`
	Max     string   `json:"max,omitempty"`
	Servers []string `json:"servers,omitempty"`
}

type jsonRetry struct {
	Attempts int      `json:"attempts"`
	On       []string `json:"on"`
	Budget   string   `json:"budget"`
	PerTry   string   `json:"per_try"`
}

type jsonErrors struct {
	// Pages are by status or class.
	Pages     map[string]jsonPage `json:"pages"`
	Intercept bool                `json:"intercept"`
}

type jsonPage struct {
	File string `json:"file,omitempty"`
	Body string `json:"body,omitempty"`
	Type string `json:"type,omitempty"`
}

func (p *Pool) json() jsonPool {
	out := jsonPool{
		Health: p.Health.json(), Passive: p.Passive.json(), Breaker: p.Breaker.json(), Panic: p.Panic.String(),
		SlowStart: durationWord("off", p.SlowStart), ProxyProtocol: p.ProxyProtocol, TLS: p.TLS.json(),
		Limits: map[string]any{
			"connections": countWord("unlimited", p.Limits.Connections), "requests": countWord("unlimited", p.Limits.Requests),
		},
		KeepAlive: map[string]any{
			"idle": quantity.FormatDuration(p.KeepAlive.Idle), "age": durationWord("unlimited", p.KeepAlive.Age),
			"requests": countWord("unlimited", p.KeepAlive.Requests), "connections": p.KeepAlive.Connections, "warm": p.KeepAlive.Warm,
		},
		Resolve: p.Resolve.json(),
	}
	if p.Protocol != HTTP1 {
		out.Protocol, out.GRPCFailures = p.Protocol.String(), p.grpcNames()
		out.KeepAlive["streams"], out.KeepAlive["ping"] = p.KeepAlive.Streams, durationWord("off", p.KeepAlive.Ping)
	}
	if p.Balance != nil {
		out.Balance = p.Balance.Args()
	}
	if p.Limits.Connections > 0 || p.Limits.Requests > 0 {
		out.Limits["queue"] = p.Limits.Queue
	}
	if p.Limits.Queue > 0 {
		out.Limits["wait"] = quantity.FormatDuration(p.Limits.Wait)
	}
	return out
}

func (h *Health) json() *jsonHealth {
	if h == nil {
		return nil
	}
	out := &jsonHealth{
		h.Path, nil, h.Host, quantity.FormatDuration(h.Every), h.Jitter.String(), quantity.FormatDuration(h.Timeout), h.Rise, h.Fall, nil,
	}
	if h.GRPC {
		out.Path, out.GRPC = "", &h.Service
		return out
	}
	for _, r := range h.Status {
		out.Status = append(out.Status, r.String())
	}
	return out
}

func (p *Passive) json() *jsonPassive {
	if p == nil {
		return nil
	}
	return &jsonPassive{countWord("off", p.Errors), durationWord("off", p.Latency), quantity.FormatDuration(p.Eject), p.Max.String()}
}

func (k *Breaker) json() *jsonBreaker {
	if k == nil {
		return nil
	}
	return &jsonBreaker{k.Errors.String(), quantity.FormatDuration(k.Window), k.Min, quantity.FormatDuration(k.Open)}
}

func (r *Resolve) json() jsonResolve {
	out := jsonResolve{Every: durationWord("auto", r.Every)}
	if r.Every == 0 {
		out.Min, out.Max = quantity.FormatDuration(r.Min), quantity.FormatDuration(r.Max)
	}
	for _, ap := range r.Servers {
		out.Servers = append(out.Servers, ap.String())
	}
	return out
}

func (r *Retry) json() *jsonRetry {
	return &jsonRetry{r.Attempts, r.causes(), r.Budget.String(), durationWord("off", r.PerTry)}
}

// json is nil where there are no pages, and nothing is said of interception.
func (e *Errors) json() *jsonErrors {
	if len(e.Pages) == 0 && e.Intercept == nil {
		return nil
	}
	out := &jsonErrors{Pages: make(map[string]jsonPage), Intercept: e.Intercepts()}
	for _, p := range e.Pages {
		jp := jsonPage{File: p.File, Body: p.Body}
		switch {
		case p.JSON:
			jp.Type = "application/json"
		case p.File == "":
			jp.Type = "text/plain; charset=utf-8"
		}
		out.Pages[p.Key()] = jp
	}
	return out
}

func countWord(word string, n int) any {
	if n == 0 {
		return word
	}
	return n
}

func durationWord(word string, d time.Duration) string {
	if d == 0 {
		return word
	}
	return quantity.FormatDuration(d)
}
