package config

import (
	"slices"

	"github.com/anygate/anygate/policy"
)

// References are the files that the configuration names and that are a part of what it says: pages for errors,
// certificates and their keys, secrets, the admin's tokens, and the files of policies. Each is a name for ReadFile. The files that the
// configuration itself consists of are in Files. What routes serve is not among them.
func (c *Config) References() []string {
	var names []string
	pages := func(e *Errors) {
		for _, p := range e.Pages {
			if p.File != "" {
				names = append(names, p.Path)
			}
		}
	}
	pages(&c.Errors)
	for i := range c.Routes {
		r := &c.Routes[i]
		pages(&r.Errors)
		for _, p := range r.Policies {
			if f, ok := p.(policy.Filed); ok {
				names = append(names, f.Files()...)
			}
		}
	}
	for i := range c.Upstreams {
		names = append(names, c.Upstreams[i].TLS.references()...)
	}
	if c.TLS != nil {
		names = append(names, c.TLS.references()...)
	}
	if a := c.Admin; a != nil && a.Token != "" && !a.TokenEnv {
		names = append(names, a.Token)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// references are the files of the section `tls`.
func (t *TLS) references() (names []string) {
	for _, p := range t.Certificates {
		names = append(names, p.Cert.Path, p.Key.Path)
	}
	for _, cl := range t.Clients {
		names = append(names, cl.CA.Path)
	}
	if t.Tickets.File != nil {
		names = append(names, t.Tickets.File.Path)
	}
	return names
}
