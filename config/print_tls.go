package config

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/anygate/anygate/policy/quantity"
)

// Address is the address without its options, as the configuration writes it.
func (ln Listener) Address() string {
	if ln.Network == "unix" {
		return "unix:" + ln.Addr
	}
	return ln.Addr
}

// printTLS writes the section with all that is in effect.
func (c *Config) printTLS(b *strings.Builder) {
	t := c.TLS
	if t == nil {
		return
	}
	b.WriteString("tls:\n")
	if len(t.Certificates) > 0 {
		b.WriteString("  certificates:\n")
	}
	for _, p := range t.Certificates {
		fmt.Fprintf(b, "    - {cert: %s, key: %s}\n", quoteYAML(p.Cert.Path), quoteYAML(p.Key.Path))
	}
	if t.Default != "" {
		fmt.Fprintf(b, "  default: %s\n", quoteYAML(t.Default))
	}
	fmt.Fprintf(b, "  profile: %s\n  minimum: %q\n", t.Profile, t.Minimum)
	if len(t.Ciphers) > 0 {
		fmt.Fprintf(b, "  ciphers: %s\n", flowList(t.Ciphers))
	}
	if len(t.Groups) > 0 {
		fmt.Fprintf(b, "  groups: %s\n", flowList(t.Groups))
	}
	if len(t.Clients) > 0 {
		b.WriteString("  clients:\n")
	}
	for _, cl := range t.Clients {
		fmt.Fprintf(b, "    - {ca: %s, require: %s", quoteYAML(cl.CA.Path), quoteYAML(onOff(cl.Require)))
		if len(cl.Names) > 0 {
			fmt.Fprintf(b, ", names: %s", flowList(cl.Names))
		}
		if cl.Listen != "" {
			fmt.Fprintf(b, ", listen: %s", quoteYAML(cl.Listen))
		}
		b.WriteString("}\n")
	}
	t.Tickets.print(b)
	fmt.Fprintf(b, "  ocsp: {staple: %s", quoteYAML(onOff(t.OCSP.Staple)))
	if t.OCSP.Cache != nil {
		fmt.Fprintf(b, ", cache: %s", quoteYAML(t.OCSP.Cache.Path))
	}
	b.WriteString("}\n")
	if e := t.ECH; e != nil {
		fmt.Fprintf(b, "  ech: {public-name: %s, keys: %s, rotate: %s, keep: %d}\n",
			quoteYAML(e.PublicName), quoteYAML(e.Keys.Path), durationOrWord("off", e.Rotate), e.Keep)
	}
	fmt.Fprintf(b, "  ktls: %s\n", quoteYAML(onOff(t.KTLS)))
	if h := t.HSTS; h != nil {
		fmt.Fprintf(b, "  hsts: {max-age: %s, subdomains: %s, preload: %s}\n", formatAge(h.MaxAge), quoteYAML(onOff(h.Subdomains)), quoteYAML(onOff(h.Preload)))
	} else {
		fmt.Fprintf(b, "  hsts: %s\n", quoteYAML("off"))
	}
}

// print writes the settings of tickets. A secret that comes from the environment is not shown.
func (t *Tickets) print(b *strings.Builder) {
	if t.Off {
		fmt.Fprintf(b, "  tickets: %s\n", quoteYAML("off"))
		return
	}
	fmt.Fprintf(b, "  tickets: {rotate: %s, keep: %d", quantity.FormatDuration(t.Rotate), t.Keep)
	switch {
	case t.File != nil:
		fmt.Fprintf(b, ", file: %s", quoteYAML(t.File.Path))
	case t.Variable != "":
		fmt.Fprintf(b, ", secret: \"%s\"", t.Variable)
	case t.Secret != "":
		fmt.Fprintf(b, ", secret: %s", quoteYAML(t.Secret))
	}
	b.WriteString("}\n")
}

// jsonTLS is the section in the JSON form of a Config. Secrets are not in it.
type jsonTLS struct {
	Certificates []jsonCertificate `json:"certificates"`
	Default      string            `json:"default,omitempty"`
	Profile      string            `json:"profile"`
	Minimum      string            `json:"minimum"`
	Ciphers      []string          `json:"ciphers,omitempty"`
	Groups       []string          `json:"groups,omitempty"`
	Clients      []jsonClients     `json:"clients,omitempty"`
	Tickets      map[string]string `json:"tickets"`
	OCSP         map[string]string `json:"ocsp"`
	ECH          map[string]string `json:"ech,omitempty"`
	KTLS         bool              `json:"ktls"`
	HSTS         map[string]string `json:"hsts,omitempty"`
}

type jsonCertificate struct {
	Cert string `json:"cert"`
	Key  string `json:"key"`
}

type jsonClients struct {
	CA      string   `json:"ca"`
	Require bool     `json:"require"`
	Names   []string `json:"names,omitempty"`
	Listen  string   `json:"listen,omitempty"`
}

func (t *TLS) json() *jsonTLS {
	if t == nil {
		return nil
	}
	out := &jsonTLS{
		Certificates: []jsonCertificate{}, Default: t.Default, Profile: t.Profile, Minimum: t.Minimum, Ciphers: t.Ciphers, Groups: t.Groups, KTLS: t.KTLS,
		Tickets: map[string]string{"keys": "off"}, OCSP: map[string]string{"staple": onOff(t.OCSP.Staple)},
	}
	for _, p := range t.Certificates {
		out.Certificates = append(out.Certificates, jsonCertificate{p.Cert.Name, p.Key.Name})
	}
	for _, c := range t.Clients {
		out.Clients = append(out.Clients, jsonClients{c.CA.Name, c.Require, c.Names, c.Listen})
	}
	if k := &t.Tickets; !k.Off {
		out.Tickets = map[string]string{"keys": "own", "rotate": quantity.FormatDuration(k.Rotate), "keep": strconv.Itoa(k.Keep)}
		switch {
		case k.File != nil:
			out.Tickets["keys"], out.Tickets["file"] = "file", k.File.Name
		case k.Secret != "":
			out.Tickets["keys"] = "secret"
		}
	}
	if t.OCSP.Cache != nil {
		out.OCSP["cache"] = t.OCSP.Cache.Name
	}
	if e := t.ECH; e != nil {
		out.ECH = map[string]string{"public_name": e.PublicName, "keys": e.Keys.Name, "rotate": durationWord("off", e.Rotate), "keep": strconv.Itoa(e.Keep)}
	}
	if h := t.HSTS; h != nil {
		out.HSTS = map[string]string{"max_age": formatAge(h.MaxAge), "subdomains": onOff(h.Subdomains), "preload": onOff(h.Preload)}
	}
	return out
}
