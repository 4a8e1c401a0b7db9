package gateway

import (
	"strings"

	"github.com/anygate/anygate/http1"
	"github.com/anygate/anygate/policy/variable"
)

// FieldLines are the lines that a policy adds to a head, where values of some
// have variables. It is immutable. They are written anew for each message, in
// their order; those of a policy without variables are bytes that are ready.
type FieldLines struct {
	lines []fieldLine
	uses  variable.Set
}

// fieldLine is a line whose value has variables, or lines that have none.
type fieldLine struct {
	text  string // lines as they are
	name  string // or a name, with what separates it from the value,
	value variable.Template
	whole bool // it makes no sense without one of its variables
}

// Fixed adds a line that is always the same.
func (l *FieldLines) Fixed(name, value string) {
	line := string(http1.AppendField(nil, name, value))
	if n := len(l.lines); n > 0 && l.lines[n-1].text != "" {
		l.lines[n-1].text += line
		return
	}
	l.lines = append(l.lines, fieldLine{text: line})
}

// Varying adds a line whose value has variables. A Host without a name, or
// without what follows its colon, is none.
func (l *FieldLines) Varying(name string, value variable.Template) {
	l.lines = append(l.lines, fieldLine{name: name + ": ", value: value, whole: strings.EqualFold(name, "host")})
	l.uses |= value.Uses()
}

// Append writes the lines. A line whose value comes out empty is left out: what
// is not known is not told. So is one whose value could not stand in a field:
// much of what variables stand for is what somebody has sent, and has been
// parsed, but whatever it is, it can end no line.
//
// It reports false if the lines would take more than most bytes: then lines with
// variables that do not fit are left out.
func (l *FieldLines) Append(dst []byte, f *Facts, most int) (lines []byte, whole bool) {
	begin := len(dst)
	whole = true
	for i := range l.lines {
		line := &l.lines[i]
		if line.text != "" {
			dst = append(dst, line.text...)
			continue
		}
		start := len(dst)
		dst = append(dst, line.name...)
		at := len(dst)
		lacks := false
		for _, p := range line.value {
			if p.Var == variable.Text {
				dst = append(dst, p.Text...)
				continue
			}
			n := len(dst)
			dst = f.appendVariable(dst, p.Var)
			lacks = lacks || line.whole && len(dst) == n
		}
		// Blanks around a value are those of a text whose variable has none.
		dst = append(dst[:at], trim(dst[at:])...)
		switch {
		case lacks, len(dst) == at, !http1.IsFieldValue(dst[at:]):
			dst = dst[:start]
		case len(dst)-begin > most:
			dst, whole = dst[:start], false
		default:
			dst = append(dst, crlf...)
		}
	}
	return dst, whole
}

// enter gives the exchange its route, before that is asked for anything.
func (x *Exchange) enter(r *Route, in *Incoming) {
	x.route = r
	if p := r.Policies; p != nil && p.Fields != nil && p.Fields.lines != nil && p.Fields.lines.uses.Meets(inHead) {
		kept := x.remember()
		if kept.asked == nil {
			kept.asked = new(keptAsked)
		}
		kept.asked.keep(in.Head, in.Protocol)
	}
}

// requestEdits are the route's edits of the request that is passed on, with the
// lines that are made anew for it; nil if none are. It reports false if they
// are too long for a head.
func (g *Gateway) requestEdits(x *Exchange, in *Incoming) (e *http1.Edits, ok bool) {
	l := x.route.Lines
	if l == nil {
		return nil, true
	}
	if l.uses.Meets(inHead) {
		g.facts.Asked = AskedBy(in.Head, in.Protocol)
	}
	lines, ok := g.lines(x, l, g.fields[:0], requestLines)
	g.fields = lines
	g.edits = x.route.Proxy.Edits.With(lines)
	return &g.edits, ok
}

// responseFields edits the field lines of a response.
func (g *Gateway) responseFields(x *Exchange, e *FieldEdits, b []byte) []byte {
	if e.lines == nil {
		return e.Apply(b, 0)
	}
	if e.lines.uses.Meets(inHead) {
		g.facts.Asked = x.policy.rules.asked.Asked // since it has entered the route
	}
	b, _ = g.lines(x, e.lines, e.Strip(b, 0), responseLines)
	return b
}

// lines writes lines with what is known of the exchange, beside what it asks for.
func (g *Gateway) lines(x *Exchange, l *FieldLines, dst []byte, most int) (lines []byte, whole bool) {
	f := &g.facts
	f.Client, f.Peer, f.Local, f.HTTPS = x.clientAddr(), x.codec.Peer(), x.codec.Local(), x.https()
	f.User = x.User()
	if l.uses.Has(variable.RequestID) {
		f.ID = x.requestID()
	}
	if l.uses.Has(variable.Upstream) {
		f.Upstream = x.member()
	}
	if l.uses.Meets(ofTLS) {
		if t := x.codec.TLS(); t != nil {
			f.TLS, f.Shown = t.State(), t.Peer()
			f.Verified = f.Shown != nil && x.verified(f.Shown)
		}
	}
	lines, whole = l.Append(dst, f, most)
	g.facts = Facts{} // nothing borrowed stays
	return lines, whole
}

// requestID is the name of the request: that of its trace, or one of its own,
// which is made when somebody first asks for it.
func (x *Exchange) requestID() [16]byte {
	if id := x.trace.own.Trace; id != ([16]byte{}) {
		return id
	}
	r := x.remember()
	if r.id == ([16]byte{}) {
		r.id = newTrace()
	}
	return r.id
}

// member is the upstream's server that has answered, or failed; empty for none.
func (x *Exchange) member() string {
	if x.call != nil {
		return x.call.Member()
	}
	return x.log.upstream
}
