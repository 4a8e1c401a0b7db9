package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// roff writes pages of the manual.
type roff struct{ strings.Builder }

var roffText = strings.NewReplacer(`\`, `\e`, "-", `\-`)

func (b *roff) head(r *release, name, section, about string) {
	fmt.Fprintf(b, ".TH %s %s %s \"AnyGate %s\"\n.SH NAME\n%s \\- %s\n", strings.ToUpper(name), section, r.time.Format("2006-01-02"), r.usage.Version, roffText.Replace(name), roffText.Replace(about))
}

func (b *roff) section(title string) { fmt.Fprintf(b, ".SH %s\n", title) }

// text writes a paragraph. A line that begins with a dot would be a request.
func (b *roff) text(s string) {
	s = roffText.Replace(s)
	if strings.HasPrefix(s, ".") || strings.HasPrefix(s, "'") {
		s = `\&` + s
	}
	b.WriteString(s + "\n")
}

func (b *roff) item(term, about string) {
	b.WriteString(".TP\n.B ")
	b.text(term)
	b.text(about)
}

// manual is anygate(1), made of what the program says of its commands.
func (r *release) manual() string {
	var b roff
	b.head(r, "anygate", "1", "an edge proxy: serves sites, answers, redirects and reverse-proxies")
	b.section("SYNOPSIS")
	b.WriteString(".B anygate\n[\\fICOMMAND\\fR] [\\fIARGUMENT\\fR]...\n")
	b.section("DESCRIPTION")
	b.text("AnyGate serves what one readable file says; anygate.yml(5) describes it. Without a command it serves ./anygate.yml, " +
		"else /etc/anygate/anygate.yml, else a built-in demo site on port 8080.")
	b.section("COMMANDS")
	for _, c := range r.usage.Commands {
		b.item(strings.TrimSpace("anygate "+c.Name+" "+c.Args), strings.ToUpper(c.About[:1])+c.About[1:]+".")
		if len(c.Options) == 0 || c.Options[0].About == "" {
			continue // none, or those of another program, which has a page of its own
		}
		b.WriteString(".RS\n")
		for _, o := range c.Options {
			b.item(strings.TrimSpace(o.Name+" "+o.Value), strings.ToUpper(o.About[:1])+o.About[1:]+".")
		}
		b.WriteString(".RE\n")
	}
	b.section("SIGNALS")
	b.item("SIGTERM, SIGINT", "Finish what is in flight, and end; a second one, a second or more later, ends at once.")
	b.item("SIGHUP", "Load the configuration again, as anygate reload does.")
	b.item("SIGUSR2", "Have another process go on, as anygate upgrade does.")
	b.section("EXIT STATUS")
	b.item("0", "Success.")
	b.item("1", "A failure: a configuration with errors, an address that is taken, no process to talk to.")
	b.item("2", "A command line that is not understood.")
	b.section("FILES")
	b.item("/etc/anygate/anygate.yml", "The configuration.")
	b.item("/usr/share/anygate/anygate.schema.json", "Its JSON Schema, for editors.")
	b.section("SEE ALSO")
	b.text("anygate.yml(5), systemctl(1)")
	return b.String()
}

// schema is as much of a JSON Schema as the manual needs.
type schema struct {
	Description string
	Ref         string `json:"$ref"`
	Properties  map[string]*schema
	AnyOf       []*schema
	AllOf       []*schema
	Definitions map[string]*schema
	Additional  json.RawMessage `json:"additionalProperties"`
}

// reference is anygate.yml(5), made of the schema of the configuration.
func (r *release) reference(text []byte) (string, error) {
	var s schema
	if err := json.Unmarshal(text, &s); err != nil {
		return "", err
	}
	var b roff
	b.head(r, "anygate.yml", "5", "the configuration of AnyGate")
	b.section("DESCRIPTION")
	b.text("A file in YAML, with one readable line per route:")
	b.WriteString(".PP\n.nf\n.RS\n")
	for _, line := range []string{
		`listen: ":80"`, `upstreams:`, `  api: [10.0.0.1:8080, 10.0.0.2:8080]`, `routes:`,
		`  "/":            /srv/www/          # a site`, `  "/api/":        http://api         # a reverse proxy to a pool`,
		`  "GET /healthz": OK                 # a fixed answer`, `  "GET /old/*":   MOVED /new/*       # a redirect`,
	} {
		b.text(line)
	}
	b.WriteString(".RE\n.fi\n.PP\n")
	b.text("Durations are 250ms, 5s or 1h, sizes 64KiB or 10MiB, shares 20%. ${NAME} and ${NAME:-default} in strings are variables " +
		"of the environment. \"anygate check\" finds every mistake at once, \"anygate explain\" says which route answers a request.")
	b.section("SECTIONS")
	for _, key := range sorted(s.Properties) {
		b.item(key, s.Properties[key].Description)
	}
	for _, name := range sorted(s.Definitions) {
		d := s.Definitions[name]
		if len(d.Properties) == 0 {
			continue
		}
		b.section("KEYS OF " + strings.ToUpper(strings.ReplaceAll(name, "-", " ")))
		for _, key := range sorted(d.Properties) {
			about := d.Properties[key].about()
			if about == "" {
				about = "See the documentation."
			}
			b.item(key, about)
		}
	}
	b.section("SEE ALSO")
	b.text("anygate(1)")
	return b.String(), nil
}

// about is the description of a key, or of what it may hold.
func (s *schema) about() string {
	if s.Description != "" {
		return s.Description
	}
	var parts []string
	for _, form := range s.AnyOf {
		if form.Description != "" && !slices.Contains(parts, form.Description) {
			parts = append(parts, form.Description)
		}
	}
	return strings.Join(parts, "; ")
}

func sorted[T any](m map[string]T) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
