package config

import (
	"net/url"
	"strconv"
	"strings"

	"github.com/anygate/anygate/http1"
	"github.com/anygate/anygate/policy/quantity"
	"github.com/anygate/anygate/route"
)

const (
	wantEndpoint = "the URI of a collector that takes OTLP over HTTP, such as http://127.0.0.1:4318"

	// defaultSample is one trace of a hundred.
	defaultSample = quantity.Percent(1000)
)

// readTrace reads the section; a bare value is that of endpoint. off is that of a file that overrides another one.
func (l *loader) readTrace(key, value *node) {
	if value.shape == scalar && value.text == "off" {
		l.cfg.Trace = nil
		return
	}
	if l.cfg.Trace == nil {
		l.cfg.Trace = &Trace{Sample: defaultSample, Continue: "all", Service: "anygate"}
	}
	t := l.cfg.Trace
	t.Pos = key.pos()
	if value.shape != mapping {
		l.readEndpoint(value, t)
		return
	}
	l.fields(
		value, "trace",
		field{"endpoint", func(_, v *node) { l.readEndpoint(v, t) }},
		field{"sample", func(_, v *node) {
			if s, ok := l.text(v, "a percentage from 0% to 100%"); ok {
				if share, err := quantity.ParsePercent(s); l.quantity(v, err) {
					t.Sample = share
				}
			}
		}},
		field{"continue", func(_, v *node) { l.enum(v, "value", &t.Continue, "all", "trusted", "none") }},
		field{"service", func(_, v *node) {
			if s, ok := l.text(v, "the name of the service"); ok {
				t.Service = s
			}
		}},
		field{"headers", func(_, v *node) { l.readTraceHeaders(v, t) }},
	)
	if t.Endpoint == "" && !value.lost() && value.shape == mapping && value.get("endpoint") == nil {
		l.errorAt(key, Diagnostic{Msg: "trace has no endpoint", Want: wantEndpoint})
	}
}

func (l *loader) readEndpoint(v *node, t *Trace) {
	s, ok := l.text(v, wantEndpoint)
	if !ok {
		return
	}
	u, err := url.Parse(s)
	d := Diagnostic{Want: wantEndpoint}
	switch {
	case !strings.Contains(s, "://"):
		d.Msg, d.Suggest = strconv.Quote(s)+" has no scheme", "http://"+s
	case err != nil || u.Host == "" || u.Hostname() == "":
		d.Msg = strconv.Quote(s) + " is not a URI"
	case u.Scheme != "http" && u.Scheme != "https":
		d.Msg, d.Suggest = "unknown scheme "+strconv.Quote(u.Scheme), route.Suggest(u.Scheme, []string{"http", "https"})
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		d.Msg = strconv.Quote(s) + " has more than a host and a path"
	default:
		if u.Path == "" || u.Path == "/" {
			u.Path = "/v1/traces"
		}
		t.Endpoint = u.String()
		return
	}
	l.errorAt(v, d)
}

func (l *loader) readTraceHeaders(v *node, t *Trace) {
	t.Headers = nil
	if v.lost() {
		return
	}
	if v.shape != mapping {
		l.errorAt(v, Diagnostic{Msg: "trace.headers is " + v.describe(), Want: "a mapping of names of fields to their values"})
		return
	}
	for _, e := range v.entries {
		value, ok := l.text(e.value, "the value of a field")
		switch {
		case !ok:
		case !http1.IsToken([]byte(e.key.text)) || len(e.key.text) > maxLogName:
			l.errorAt(e.key, Diagnostic{Msg: strconv.Quote(e.key.text) + " cannot be the name of a field", Want: "the name of a field"})
		case strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }):
			l.errorAt(e.value, Diagnostic{Msg: "the value has control characters", Want: "the value of a field"})
		case len(t.Headers) == maxTraceHeaders:
			l.errorAt(e.key, Diagnostic{Msg: "more than " + strconv.Itoa(maxTraceHeaders) + " fields", Want: "fewer fields"})
			return
		default:
			t.Headers = append(t.Headers, TraceHeader{e.key.text, value, e.value.variable()})
		}
	}
}

// variable is the reference to a variable that a value consists of, ${NAME}; empty if it is something else.
func (n *node) variable() string {
	if strings.HasPrefix(n.raw, "${") && strings.IndexByte(n.raw, '}') == len(n.raw)-1 && !strings.Contains(n.raw, ":-") {
		return n.raw
	}
	return ""
}

// print writes the section with all that is in effect. Values that come from the environment are not shown.
func (t *Trace) print(b *strings.Builder) {
	if t == nil {
		return
	}
	b.WriteString("trace:\n  endpoint: " + quoteYAML(t.Endpoint) + "\n  sample: " + t.Sample.String() +
		"\n  continue: " + t.Continue + "\n  service: " + quoteYAML(t.Service) + "\n")
	if len(t.Headers) == 0 {
		return
	}
	b.WriteString("  headers:\n")
	for _, h := range t.Headers {
		value := quoteYAML(h.Value)
		if h.Variable != "" {
			value = `"` + h.Variable + `"`
		}
		b.WriteString("    " + quoteYAML(h.Name) + ": " + value + "\n")
	}
}

// jsonTrace is the section in the JSON form of a Config. Of its fields only the names are shown.
type jsonTrace struct {
	Endpoint string   `json:"endpoint"`
	Sample   string   `json:"sample"`
	Continue string   `json:"continue"`
	Service  string   `json:"service"`
	Headers  []string `json:"headers,omitempty"`
}

func (t *Trace) json() *jsonTrace {
	if t == nil {
		return nil
	}
	out := &jsonTrace{Endpoint: t.Endpoint, Sample: t.Sample.String(), Continue: t.Continue, Service: t.Service}
	for _, h := range t.Headers {
		out.Headers = append(out.Headers, h.Name)
	}
	return out
}
