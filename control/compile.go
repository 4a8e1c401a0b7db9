package control

import (
	"crypto/x509"
	"errors"
	"fmt"

	"github.com/anygate/anygate/config"
	"github.com/anygate/anygate/control/certificates"
	"github.com/anygate/anygate/gateway"
	"github.com/anygate/anygate/h2"
	"github.com/anygate/anygate/http1"
	"github.com/anygate/anygate/policy/privacypass"
	"github.com/anygate/anygate/proxy"
	"github.com/anygate/anygate/route"
	"github.com/anygate/anygate/static"
	"github.com/anygate/anygate/telemetry"
)

// The media types of fixed answers.
const (
	textType = "text/plain; charset=utf-8"
	jsonType = "application/json"
)

// Compile makes what the shards serve from of a configuration: it looks up host names, opens the directories of sites,
// and builds responses. Errors name the place in the configuration; all of them are returned, joined. The pools of the
// configuration are those of the registry from now on.
func Compile(cfg *config.Config, reg *Registry) (*gateway.Generation, error) {
	d, err := prepare(cfg, reg)
	if err != nil {
		return nil, err
	}
	d.adopt()
	return d.generation, nil
}

// draft is a configuration that is compiled, and in no use yet: it is adopted, or discarded.
type draft struct {
	generation *gateway.Generation
	compiler
}

// prepare is Compile without an effect on what is served at present.
func prepare(cfg *config.Config, reg *Registry) (*draft, error) {
	gen := &gateway.Generation{
		Table:    cfg.Table,
		Routes:   make([]gateway.Route, len(cfg.Routes)),
		Settings: settings(cfg),
	}
	d := &draft{gen, compiler{
		cfg: cfg, reg: reg, sites: make(map[string]*static.Site),
		named: make(map[string]*pool), pages: make(map[string]*gateway.ErrorPages), limiters: make(map[string]any), secrets: make(map[string]watched),
		identities: certificates.NewIdentities(cfg.ReadFile), trust: certificates.NewTrust(cfg.ReadFile),
	}}
	c := &d.compiler
	gen.Settings.PerAddress = c.perAddress(cfg.Server.Limits.ConnectionsPerAddress)
	gen.Errors = c.errorPages(&cfg.Errors)
	for i := range cfg.Routes {
		r := &cfg.Routes[i]
		if err := c.route(r, &gen.Routes[i]); err != nil {
			c.err = errors.Join(c.err, at(r.Pos, err))
		}
	}
	c.err = errors.Join(c.err, c.tls(&gen.Settings))
	c.err = errors.Join(c.err, reg.resolve(c.pools))
	if c.err != nil {
		d.discard()
		return nil, c.err
	}
	return d, nil
}

// discard gives up what only this configuration would have had a use for.
func (d *draft) discard() {
	for _, s := range d.sites {
		s.Close()
	}
}

// superseded is what nobody looks after any more: nil, or what was served before.
type superseded struct {
	certificates *certificates.Set
	identities   *certificates.Identities
}

func (s superseded) close() {
	if s.certificates != nil {
		s.certificates.Close()
	}
	if s.identities != nil {
		s.identities.Close()
	}
}

// adopt makes the draft what is served as far as the registry is concerned.
func (d *draft) adopt() superseded {
	d.reg.count(d.generation)
	d.reg.tokens.next()
	d.reg.adopt(d.pools)
	d.reg.adoptLimiters(d.limiters)
	d.reg.secrets.adopt(d.secrets, d.cfg.ReadFile)
	d.reg.mu.Lock()
	defer d.reg.mu.Unlock()
	before := superseded{d.reg.certificates, d.reg.identities}
	d.reg.certificates, d.reg.identities, d.reg.trust = d.certificates, d.identities, d.trust
	return before
}

// compiler is one compilation under way.
type compiler struct {
	cfg   *config.Config
	reg   *Registry
	sites map[string]*static.Site // by what tells them apart, so that routes of one directory share its descriptor
	pools []*pool
	named map[string]*pool               // by the key of the upstream
	pages map[string]*gateway.ErrorPages // by what tells them apart; most routes have the same
	err   error

	// remarks are what the configuration asks for and the machine does not have.
	remarks []string

	tokens map[string]*privacypass.Policy // by the line of the policy

	certificates *certificates.Set   // nil without TLS
	trusted      map[string]*trusted // by the path of the file
	certified    []certifiedHost     // of routes that want certificates of clients

	identities *certificates.Identities // what is shown to upstreams
	trust      *certificates.Trust      // who vouches for clients and upstreams
	roots      *x509.CertPool           // of the system, nil until they are needed

	limiters    map[string]any     // see limiters
	requestKeys int                // see limiters.requestKeys; 0 until it is needed, as all routes have a part in it
	secrets     map[string]watched // see secrets
}

func (c *compiler) route(r *config.Route, out *gateway.Route) (err error) {
	out.Name = r.Head.String()
	out.Action = r.Action.Kind
	out.Errors = c.errorPages(&r.Errors)
	if out.Policies, err = c.policies(r); err != nil {
		return err
	}
	if err := errors.Join(c.clients(r, out), c.token(r, out)); err != nil {
		return err
	}
	switch r.Action.Kind {
	case route.Fixed:
		out.Fixed = fixed(&r.Action)
		if p := out.Errors.Page(r.Action.Status); p != nil && r.Action.Body == "" {
			out.Fixed = p.As(r.Action.Status)
		}
		out.Prebuild()
	case route.Redirect:
		out.Status, out.Location = r.Action.Status, r.Location
	case route.Echo:
		out.Status = r.Action.Status
	case route.Static:
		out.Site, err = c.site(&r.Static)
	case route.Proxy:
		out.Proxy = c.plan(r)
		out.Proxy.Edits, out.Lines = requestEdits(r.Policies)
	default:
		err = fmt.Errorf("the route %q has an action of an unknown kind", out.Name)
	}
	return err
}

func fixed(a *route.Action) *gateway.Fixed {
	media := ""
	switch {
	case a.JSON:
		media = jsonType
	case a.Body != "":
		media = textType
	}
	return gateway.NewFixed(a.Status, media, []byte(a.Body))
}

// site opens a directory or file, once for all routes that serve it alike.
func (c *compiler) site(s *config.Static) (*static.Site, error) {
	key := fmt.Sprintf("%#v", *s)
	if site := c.sites[key]; site != nil {
		return site, nil
	}
	site, err := static.Compile(static.Options{
		Root: s.Root, File: s.File, Index: s.Index, SPA: spa(s.SPA), Listing: s.Listing, NoSymlinks: s.Symlinks == "never",
		NoCacheControl: s.CacheControl == "off", EarlyHints: s.EarlyHints, Compress: compress(s.Compress),
	})
	if err != nil {
		return nil, err
	}
	c.sites[key] = site
	return site, nil
}

func compress(word string) static.Compress {
	switch word {
	case "precompressed":
		return static.CompressPrecompressed
	case "off":
		return static.CompressOff
	}
	return static.CompressOn
}

func spa(word string) static.SPA {
	switch word {
	case "on":
		return static.SPAOn
	case "off":
		return static.SPAOff
	}
	return static.SPAAuto
}

// plan makes the plan of a proxy route.
func (c *compiler) plan(r *config.Route) *proxy.Plan {
	p := &proxy.Plan{
		ID:       c.reg.plan(r.Head.String()),
		Balance:  planBalance(r.Balance),
		Retry:    planRetry(&r.Retry),
		Timeouts: planTimeouts(&r.Timeouts),
		Upgrade:  r.Upgrade,
		Limits:   http1.DefaultLimits,
	}
	// Targets whose URIs have the same path write the same request.
	groups := make(map[string]int)
	for _, t := range r.Targets {
		key := fmt.Sprintf("%t%s", t.HasPath, t.Path)
		group, known := groups[key]
		if !known {
			group = len(groups)
			groups[key] = group
		}
		p.Targets = append(p.Targets, proxy.Target{Rewrite: t.Rewrite, Group: group})
	}
	p.Upstream = c.pool(r, p.Targets).upstream
	return p
}

// pool returns the pool of a route, which is that of all routes that name the same upstream, unless the route has one
// of its own: then its name says so. Members of that know the targets of the route by their indices, so that with other
// targets it is another upstream: exchanges of the generation before have the old ones.
func (c *compiler) pool(r *config.Route, targets []proxy.Target) *pool {
	settings, shared := c.cfg.PoolOf(r)
	name := "route " + r.Head.String()
	key := name
	for _, t := range r.Targets {
		key += " " + t.Raw
	}
	if shared {
		name = c.cfg.Upstreams[r.Targets[0].Upstream].Name
		key = name
	}
	if settings.Protocol != config.HTTP1 {
		// Connections outlive a configuration, and are of one protocol.
		key += " " + settings.Protocol.String()
	}
	if p := c.named[key]; p != nil {
		return p
	}
	p := &pool{upstream: c.reg.upstream(key, name), config: settings}
	var tls *secure
	for i, t := range r.Targets {
		for _, m := range c.cfg.Upstreams[t.Upstream].Members {
			s := server{config: m, target: i, group: targets[i].Group}
			if settings.Secure(&m) {
				if tls == nil {
					var err error
					if tls, err = c.upstreamTLS(settings.TLS, m.Pos); err != nil {
						c.err = errors.Join(c.err, err)
						tls = &secure{}
					}
					tls.h2 = settings.Protocol == config.H2TLS
				}
				s.secure, s.serverName = tls, serverName(settings.TLS, &m)
			}
			p.servers = append(p.servers, s)
		}
	}
	c.named[key] = p
	c.pools = append(c.pools, p)
	return p
}

// settings are what the configuration says about client connections.
func settings(cfg *config.Config) gateway.Settings {
	s := &cfg.Server
	limits := http1.DefaultLimits
	limits.RequestLine, limits.HeadBytes, limits.Fields = s.Limits.RequestLine, s.Limits.HeadBytes, s.Limits.Fields
	return gateway.Settings{
		HTTP:      limits,
		Body:      s.Limits.Body,
		Header:    s.Timeouts.Header,
		BodyIdle:  s.Timeouts.Body,
		Write:     s.Timeouts.Write,
		MinBody:   s.MinRate.Body,
		MinWrite:  s.MinRate.Write,
		Idle:      s.Timeouts.Idle,
		H2:        h2Config(&s.H2, &limits),
		AccessLog: accessFormat(cfg.Log.Access),
		LogSlow:   cfg.Log.Slow,
		LogMask:   telemetry.NewMask(cfg.Log.Mask),
		LogFields: logFields(cfg.Log.Access.Fields),
		Trace:     traced(cfg.Trace),
		Trust:     gateway.NewTrust(s.Trust),

		LoopLatency: s.Limits.LoopLatency,
		Listeners:   listeners(cfg.Listen),
	}
}

// h2Config is how HTTP/2 is spoken, nil for not at all.
func h2Config(h *config.H2, limits *http1.Limits) *h2.Config {
	if !h.On {
		return nil
	}
	c := h2.DefaultConfig
	c.Streams, c.HTTP = uint32(h.Streams), *limits
	c.Window, c.ConnWindow, c.TableSize = uint32(h.Window), uint32(h.ConnectionWindow), uint32(h.HeaderTable)
	return &c
}

// listeners are by the index in the configuration, which is the id that a listener's sockets are given to the shards with.
func listeners(list []config.Listener) []gateway.Listener {
	out := make([]gateway.Listener, len(list))
	for i, l := range list {
		out[i].ProxyProtocol, out[i].H2 = l.ProxyProtocol, l.H2C
	}
	return out
}

func accessFormat(a config.AccessLog) gateway.LogFormat {
	switch {
	case a.To == "off":
		return gateway.LogOff
	case a.Format == "json":
		return gateway.LogJSON
	case a.Format == "combined":
		return gateway.LogCombined
	}
	return gateway.LogText
}

func logFields(names []string) (list []gateway.LogField) {
	for _, name := range names {
		list = append(list, gateway.NewLogField(name))
	}
	return list
}
