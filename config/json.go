package config

import (
	"github.com/anygate/anygate/policy"
	"github.com/anygate/anygate/policy/quantity"
	"github.com/anygate/anygate/route"
)

// The types below are the JSON form of a Config, for `anygate check --json`. It is stable: members may be added, but
// none is renamed, removed or given another meaning; schema counts up should that ever have to change. Durations and
// sizes are strings as the configuration has them, with the words that stand for no bound.

type jsonConfig struct {
	Schema    int            `json:"schema"`
	Files     []string       `json:"files"`
	Listen    []jsonListen   `json:"listen"`
	Upstreams []jsonUpstream `json:"upstreams"`
	Errors    *jsonErrors    `json:"errors,omitempty"`
	Routes    []jsonRoute    `json:"routes"`
	Server    jsonServer     `json:"server"`
	Log       jsonLog        `json:"log"`
	Trace     *jsonTrace     `json:"trace,omitempty"`
	TLS       *jsonTLS       `json:"tls,omitempty"`
	Admin     *jsonAdmin     `json:"admin,omitempty"`
}

type jsonPos struct {
	File string `json:"file,omitempty"`
	Line int    `json:"line,omitempty"`
	Col  int    `json:"column,omitempty"`
}

type jsonListen struct {
	Network       string `json:"network"`
	Address       string `json:"address"`
	TLS           bool   `json:"tls"`
	ProxyProtocol bool   `json:"proxy_protocol"`
	Redirect      bool   `json:"redirect,omitempty"`
	H2C           bool   `json:"h2c"`
	jsonPos
}

type jsonUpstream struct {
	Name    string       `json:"name"`
	Named   bool         `json:"named"`
	Members []jsonMember `json:"members"`
	jsonPool
	jsonPos
}

type jsonMember struct {
	Scheme  string `json:"scheme"`
	Address string `json:"address"`
	Weight  int    `json:"weight"`
	Backup  bool   `json:"backup,omitempty"`
}

type jsonRoute struct {
	Head    string   `json:"head"`
	Methods []string `json:"methods"`
	Host    string   `json:"host"`
	Path    string   `json:"path"`
	Group   string   `json:"group,omitempty"`
	// Action is proxy, static, fixed, redirect or echo; the members behind it belong to one or some of these.
	Action   string        `json:"action"`
	To       []jsonTarget  `json:"to,omitempty"`
	Timeouts *jsonTimeouts `json:"timeouts,omitempty"`
	Balance  string        `json:"balance,omitempty"`
	Retry    *jsonRetry    `json:"retry,omitempty"`
	Upgrade  *bool         `json:"upgrade,omitempty"`
	// Health and Breaker are there where the route, or its group, has its own; null is off then.
	Health   **jsonHealth  `json:"health,omitempty"`
	Breaker  **jsonBreaker `json:"breaker,omitempty"`
	Errors   *jsonErrors   `json:"errors,omitempty"`
	Root     string        `json:"root,omitempty"`
	File     bool          `json:"serves_file,omitempty"`
	Index    []string      `json:"index,omitempty"`
	SPA      string        `json:"spa,omitempty"`
	Listing  bool          `json:"listing,omitempty"`
	Symlinks string        `json:"symlinks,omitempty"`
	Caching  string        `json:"cache_control,omitempty"`
	Hints    bool          `json:"early_hints,omitempty"`
	Compress string        `json:"compress,omitempty"`
	Status   int           `json:"status,omitempty"`
	Body     string        `json:"body,omitempty"`
	Location string        `json:"location,omitempty"`
	Policies []jsonPolicy  `json:"policies"`
	Pos      jsonPos       `json:"at"`
}

type jsonTarget struct {
	URI      string `json:"uri"`
	Upstream string `json:"upstream"`
}

type jsonTimeouts struct {
	Connect   string `json:"connect"`
	FirstByte string `json:"first_byte"`
	Idle      string `json:"idle"`
	Tunnel    string `json:"tunnel"`
}

type jsonPolicy struct {
	Name      string `json:"name"`
	Text      string `json:"text"`
	Available bool   `json:"available"`
}

type jsonServer struct {
	Engine   string            `json:"engine"`
	Shards   int               `json:"shards"`
	Spin     string            `json:"spin"`
	Limits   map[string]any    `json:"limits"`
	Timeouts map[string]string `json:"timeouts"`
	MinRate  map[string]string `json:"min_rate"`
	H2       *jsonH2           `json:"h2"`
	Trust    []string          `json:"trust,omitempty"`
	User     string            `json:"user,omitempty"`
	Landlock jsonLandlock      `json:"landlock"`
}

// JSON returns the compiled configuration as a JSON object; see jsonConfig for its form.
func (c *Config) JSON() []byte {
	out := jsonConfig{
		Schema: 1, Files: notNil(c.Files), Listen: []jsonListen{}, Upstreams: []jsonUpstream{}, Routes: []jsonRoute{},
		Log: c.Log.json(), Trace: c.Trace.json(),
	}
	for _, ln := range c.Listen {
		out.Listen = append(out.Listen, jsonListen{ln.Network, ln.Addr, ln.TLS, ln.ProxyProtocol, ln.Redirect, ln.H2C, jsonPos(ln.Pos)})
	}
	for _, u := range c.Upstreams {
		ju := jsonUpstream{Name: u.Name, Named: u.Named, Members: []jsonMember{}, jsonPool: u.Pool.json(), jsonPos: jsonPos(u.Pos)}
		for _, m := range u.Members {
			ju.Members = append(ju.Members, jsonMember{m.Scheme, m.Addr, m.Weight, m.Backup})
		}
		out.Upstreams = append(out.Upstreams, ju)
	}
	for i := range c.Routes {
		out.Routes = append(out.Routes, c.jsonRoute(&c.Routes[i]))
	}
	out.Errors = c.Errors.json()
	out.Server = c.Server.json()
	out.TLS = c.TLS.json()
	out.Admin = c.Admin.json()
	return marshal(out)
}

func notNil(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

func (c *Config) jsonRoute(r *Route) jsonRoute {
	out := jsonRoute{
		Head: r.Head.String(), Methods: notNil(r.Head.Methods), Host: r.Head.Host, Path: r.Head.Path, Group: r.Group,
		Action: r.Action.Kind.String(), Status: r.Action.Status, Body: r.Action.Body, Location: r.Action.Location,
		Root: r.Static.Root, File: r.Static.File, Index: r.Static.Index, SPA: r.Static.SPA,
		Listing: r.Static.Listing, Symlinks: r.Static.Symlinks, Caching: r.Static.CacheControl, Hints: r.Static.EarlyHints, Compress: r.Static.Compress,
		Policies: []jsonPolicy{}, Errors: r.Errors.json(), Pos: jsonPos(r.Pos),
	}
	for _, t := range r.Targets {
		out.To = append(out.To, jsonTarget{t.Raw, c.Upstreams[t.Upstream].Name})
	}
	if r.Action.Kind == route.Proxy {
		out.Timeouts = &jsonTimeouts{
			quantity.FormatDuration(r.Timeouts.Connect), quantity.FormatDuration(r.Timeouts.FirstByte), quantity.FormatDuration(r.Timeouts.Idle),
			quantity.FormatDuration(r.Timeouts.Tunnel),
		}
		out.Balance, out.Retry, out.Upgrade = r.Balance.Args(), r.Retry.json(), &r.Upgrade
		if r.OwnHealth {
			health := r.Health.json()
			out.Health = &health
		}
		if r.OwnBreaker {
			breaker := r.Breaker.json()
			out.Breaker = &breaker
		}
	}
	for _, p := range r.Policies {
		out.Policies = append(out.Policies, jsonPolicy{p.Name(), p.String(), p.Available()})
	}
	if r.Action.Kind == route.Proxy {
		// They are policies too, though the route has members of their own for them.
		out.Policies = append(out.Policies, jsonPolicy{"balance", r.Balance.String(), true})
		if n := r.Retry.Attempts; n > 0 {
			out.Policies = append(out.Policies, jsonPolicy{"retry", policy.Retry{Attempts: n}.String(), true})
		}
	}
	return out
}

func (s *Server) json() jsonServer {
	word := func(word string, n int64) any {
		if n == 0 {
			return word
		}
		return n
	}
	rate := func(n int64) string {
		if n == 0 {
			return "off"
		}
		return quantity.FormatByteRate(n)
	}
	var trust []string
	for _, p := range s.Trust {
		trust = append(trust, p.String())
	}
	spin := "off"
	if s.Spin > 0 {
		spin = quantity.FormatShortDuration(s.Spin)
	}
	return jsonServer{
		Trust: trust, User: s.User.String(), Landlock: s.Landlock.json(), Engine: s.Engine, Shards: s.Shards, Spin: spin,
		Limits: map[string]any{
			"request_line": s.Limits.RequestLine, "header_bytes": s.Limits.HeadBytes, "header_fields": s.Limits.Fields,
			"body": word("unlimited", s.Limits.Body), "connections": word("auto", int64(s.Limits.Connections)),
			"connections_per_address": word("unlimited", int64(s.Limits.ConnectionsPerAddress)), "buffers": word("auto", s.Limits.BufferBytes),
			"files":        word("auto", s.Limits.FileBytes),
			"loop_latency": durationWord("off", s.Limits.LoopLatency),
		},
		Timeouts: map[string]string{
			"header": quantity.FormatDuration(s.Timeouts.Header), "body": quantity.FormatDuration(s.Timeouts.Body),
			"idle": quantity.FormatDuration(s.Timeouts.Idle), "write": quantity.FormatDuration(s.Timeouts.Write),
			"drain": quantity.FormatDuration(s.Timeouts.Drain),
		},
		H2:      s.H2.json(),
		MinRate: map[string]string{"body": rate(s.MinRate.Body), "write": rate(s.MinRate.Write)},
	}
}
