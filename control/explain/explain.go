package explain

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/anygate/anygate/config"
	"github.com/anygate/anygate/gateway"
	"github.com/anygate/anygate/http1"
	"github.com/anygate/anygate/route"
)

// Write explains a request. gen is compiled from cfg; now is the time at which files are looked at.
func Write(w io.Writer, cfg *config.Config, gen *gateway.Generation, r Request, now time.Time) error {
	head, err := r.head()
	if err != nil {
		return err
	}
	e := &explanation{cfg: cfg, gen: gen, now: now, secure: r.secure()}
	e.explain(r, head)
	_, err = io.WriteString(w, e.out.String())
	return err
}

// explanation is one in the making.
type explanation struct {
	cfg *config.Config
	gen *gateway.Generation
	now time.Time
	out strings.Builder

	request *http1.Request
	secure  bool   // it comes over TLS, without a certificate
	raw     []byte // the path as sent
	norm    []byte // in its normal form
	match   route.Match
}

// line writes a line with a label in the left column.
func (e *explanation) line(label, format string, args ...any) {
	fmt.Fprintf(&e.out, "%-10s "+format+"\n", append([]any{label}, args...)...)
}

// block writes lines of text, indented.
func (e *explanation) block(text []byte) {
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimRight(line, "\r\n"); line != "" {
			fmt.Fprintf(&e.out, "    %s\n", line)
		}
	}
}

func (e *explanation) explain(r Request, head []byte) {
	e.line("request", "%s %s", r.Method, r.URL)
	var why http1.Error
	if e.request, why = parse(head, &e.gen.Settings.HTTP); why != http1.OK {
		e.line("answer", "%s: the request is malformed: %s", status(why.Status()), why.Error())
		return
	}
	if e.request.Form != http1.OriginForm {
		e.line("answer", "no route: the request is about the server as a whole")
		return
	}
	e.raw = e.request.PathBytes()
	norm, ok := route.Normalise(make([]byte, 0, http1.MaxHeadBytes), e.raw)
	if !ok {
		e.line("answer", "400 Bad Request: the path %q is malformed, or climbs above the root", e.raw)
		return
	}
	e.norm = norm
	if string(e.norm) != string(e.raw) {
		e.line("path", "%s, its normal form, is what routes are compared with", e.norm)
	}
	method, host := e.request.Bytes(e.request.Method), e.request.Bytes(e.request.Host)
	switch e.gen.Table.Match(method, host, e.norm, &e.match) {
	case route.Found:
		e.found(int(e.match.Value))
		e.others(int(e.match.Value), true)
	case route.MethodNotAllowed:
		allow := e.gen.Table.AppendAllow(nil, host, e.norm)
		if e.request.MethodID == http1.OPTIONS {
			e.line("answer", "204 No Content, Allow: %s", allow)
		} else {
			e.line("answer", "405 Method Not Allowed, Allow: %s: routes match the path, but none the method", allow)
		}
		e.hsts()
		e.errors(&e.cfg.Errors)
		e.others(-1, true)
	default:
		e.line("answer", "404 Not Found: no route matches the path")
		e.hsts()
		e.errors(&e.cfg.Errors)
		e.others(-1, false)
	}
}

// found explains the route that answers.
func (e *explanation) found(i int) {
	r := &e.cfg.Routes[i]
	e.line("route", "%q%s", r.Head.String(), place(r.Pos))
	e.line("because", "%s", e.because(&r.Head))
	for n, name := range r.Head.Params() {
		p := e.match.Params[n]
		e.line(":"+name, "%s", e.norm[p.Start:p.End])
	}
	if e.match.HasRest {
		e.line("rest", "%q", e.norm[e.match.Rest:])
	}
	for _, p := range r.Policies {
		e.line("policy", "%s", p.String())
	}
	g := &e.gen.Routes[i]
	switch r.Action.Kind {
	case route.Proxy:
		e.proxy(r, g)
	case route.Static:
		e.static(r, g)
	case route.Fixed:
		e.fixed(r)
	case route.Redirect:
		e.redirect(g)
	case route.Echo:
		e.line("answer", "%s: an echo of the request", status(r.Action.Status))
	}
	e.hsts()
	e.errors(&r.Errors)
}

// hsts shows what browsers are told of TLS. A field that the response has of its own, from an upstream say, goes before it.
func (e *explanation) hsts() {
	if line := e.gen.Settings.HSTS; e.secure && line != nil {
		e.line("over TLS", "unless the response has one of its own:")
		e.block(line)
	}
}

func place(p config.Pos) string {
	switch {
	case p.Line == 0:
		return ""
	case p.File == "":
		return fmt.Sprintf("  (line %d)", p.Line)
	}
	return fmt.Sprintf("  (%s:%d)", p.File, p.Line)
}

// status is a status code with its reason phrase, if it has one.
func status(code int) string {
	return strings.TrimSpace(strconv.Itoa(code) + " " + http1.StatusText(code))
}
