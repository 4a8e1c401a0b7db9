package control

import (
	"errors"
	"fmt"

	"github.com/anygate/anygate/config"
	"github.com/anygate/anygate/gateway"
	"github.com/anygate/anygate/http1"
	"github.com/anygate/anygate/proxy"
	"github.com/anygate/anygate/route"
	"github.com/anygate/anygate/static"
)

// The media types of fixed answers.
const (
	textType = "text/plain; charset=utf-8"
	jsonType = "application/json"
)

// Compile makes what the shards serve from of a configuration: it looks up host names, opens the directories of sites,
// and builds responses. Errors name the place in the configuration; all of them are returned, joined.
func Compile(cfg *config.Config, reg *Registry) (*gateway.Generation, error) {
	c := compiler{cfg: cfg, reg: reg, sites: make(map[string]*static.Site)}
	c.servers, c.err = reg.resolve(cfg.Upstreams)
	gen := &gateway.Generation{
		Table:    cfg.Table,
		Routes:   make([]gateway.Route, len(cfg.Routes)),
		Settings: settings(cfg),
	}
	for i := range cfg.Routes {
		r := &cfg.Routes[i]
		if err := c.route(r, &gen.Routes[i]); err != nil {
			c.err = errors.Join(c.err, at(r.Pos, err))
		}
	}
	if c.err != nil {
		for _, s := range c.sites {
			s.Close()
		}
		return nil, c.err
	}
	return gen, nil
}

// compiler is one compilation under way.
type compiler struct {
	cfg     *config.Config
	reg     *Registry
	servers servers
	sites   map[string]*static.Site // by what siteKey says, so that routes of one directory share its descriptor
	err     error
}

func (c *compiler) route(r *config.Route, out *gateway.Route) (err error) {
	out.Name = r.Head.String()
	out.Action = r.Action.Kind
	switch r.Action.Kind {
	case route.Fixed:
		out.Fixed = fixed(&r.Action)
	case route.Redirect:
		out.Status, out.Location = r.Action.Status, r.Location
	case route.Echo:
		out.Status = r.Action.Status
	case route.Static:
		out.Site, err = c.site(&r.Static)
	case route.Proxy:
		out.Proxy = c.plan(r)
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

// plan makes the plan of a proxy route: every address of every server of every pool it names, in their order.
func (c *compiler) plan(r *config.Route) *proxy.Plan {
	p := &proxy.Plan{
		ID:       c.reg.plan(r.Head.String()),
		Timeouts: proxy.Timeouts{Connect: r.Timeouts.Connect, FirstByte: r.Timeouts.FirstByte, Idle: r.Timeouts.Idle},
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
		for _, m := range c.cfg.Upstreams[t.Upstream].Members {
			for _, member := range c.servers[m] {
				p.Choices = append(p.Choices, proxy.Choice{Member: member, Rewrite: t.Rewrite, Group: group})
			}
		}
	}
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
		AccessLog: accessFormat(cfg.Log.Access),
	}
}

func accessFormat(a config.AccessLog) gateway.LogFormat {
	switch {
	case a.To == "off":
		return gateway.LogOff
	case a.Format == "json":
		return gateway.LogJSON
	}
	return gateway.LogText
}
