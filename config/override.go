package config

import (
	"slices"
	"strings"

	"github.com/anygate/anygate/policy"
)

// WithListen returns the configuration with other addresses to listen on, as `serve --listen` has them. They are read by
// the same parser as those of a file, with the same messages.
func (c *Config) WithListen(addrs []string) (*Config, Diagnostics) {
	var text strings.Builder
	text.WriteString("listen:\n")
	for _, addr := range addrs {
		text.WriteString("  - " + quoteYAML(addr) + "\n")
	}
	l := newLoader(Options{})
	l.lentTLS = c.TLS != nil && len(c.TLS.Certificates) > 0
	parsed := &Config{Path: "--listen"}
	l.readAll(newSource("--listen", "", []byte(text.String()+"routes: {\"/\": OK}\n")), "--listen")
	l.decode(parsed)
	if ds := l.finish(); len(ds) > 0 {
		return nil, ds
	}
	out := *c
	out.Listen = parsed.Listen
	for i := range out.Listen {
		out.Listen[i].Pos = Pos{}
	}
	if ds := out.unguarded(); len(ds) > 0 {
		return nil, ds
	}
	return &out, nil
}

// unguarded reports what the configuration wants of its clients and does not get on the addresses that it has, and addresses
// that do not speak what it does.
func (c *Config) unguarded() (ds Diagnostics) {
	for _, ln := range c.Listen {
		if ln.H2C && !c.Server.H2.On {
			ds = append(ds, Diagnostic{
				Kind: KindConflict, Msg: "HTTP/2 is off in the configuration, and " + ln.String() + " speaks nothing else", Want: "server.h2: on, or no h2c behind the address",
			})
		}
	}
	secure := func(addr string) bool {
		return slices.ContainsFunc(c.Listen, func(ln Listener) bool { return ln.TLS && (addr == "" || ln.Address() == addr) })
	}
	if c.TLS != nil {
		for _, cl := range c.TLS.Clients {
			if cl.Listen != "" && !secure(cl.Listen) {
				ds = append(ds, Diagnostic{
					Kind: KindConflict, Msg: "the configuration wants certificates of the clients of " + cl.Listen + ", and TLS is not spoken there",
					Want: "--listen \"" + cl.Listen + " tls\", or clients without listen",
				})
			}
		}
	}
	for i := range c.Routes {
		for _, p := range c.Routes[i].Policies {
			if _, ok := p.(policy.MTLS); ok && !secure("") {
				return append(ds, Diagnostic{
					Kind: KindConflict, Msg: `the policy "mtls" of the route "` + c.Routes[i].Head.String() + `" is for clients that come over TLS, and no address speaks it`,
					Want: `--listen ":443 tls"`,
				})
			}
		}
	}
	return ds
}
