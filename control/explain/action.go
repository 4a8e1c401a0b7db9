package explain

import (
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/anygate/anygate/config"
	"github.com/anygate/anygate/gateway"
	"github.com/anygate/anygate/http1"
	"github.com/anygate/anygate/static"
)

// static shows what the site answers, and from which file.
func (e *explanation) static(r *config.Route, g *gateway.Route) {
	h := e.request
	below := []byte("/")
	if m := &e.match; m.HasRest && m.Rest <= len(e.norm) && e.norm[m.Rest-1] == '/' {
		below = e.norm[m.Rest-1:]
	}
	req := static.Request{
		GET: h.MethodID == http1.GET, HEAD: h.MethodID == http1.HEAD, OPTIONS: h.MethodID == http1.OPTIONS,
		Path: below, RawPath: e.raw,
	}
	if h.HasQuery {
		req.RawQuery = h.Bytes(h.Query)
	}
	req.IfMatch, _ = h.Get(http1.IfMatch)
	req.IfNoneMatch, _ = h.Get(http1.IfNoneMatch)
	req.IfModifiedSince, _ = h.Get(http1.IfModifiedSince)
	req.IfUnmodifiedSince, _ = h.Get(http1.IfUnmodifiedSince)
	req.Range, _ = h.Get(http1.Range)
	req.IfRange, _ = h.Get(http1.IfRange)
	req.Accept, _ = h.Get(http1.Accept)
	req.AcceptEncoding, _ = h.Get(http1.AcceptEncoding)
	if i := h.Find("sec-fetch-mode"); i >= 0 {
		req.SecFetchMode = h.Value(&h.Fields[i])
	}
	a, done := static.Look(g.Site, &req, e.now.Unix())
	defer done()
	if a.Listing != nil {
		made := a.Listing.Make()
		e.line("directory", "%s", filepath.Join(r.Static.Root, filepath.FromSlash(unescape(string(below)))))
		a.Status, a.Block, a.Length = made.Status, made.Block, int64(len(made.Content))
	} else if file := servedFile(&r.Static, string(below), a.Status); file != "" {
		e.line("file", "%s", file)
	} else {
		e.line("directory", "%s", r.Static.Root)
	}
	if len(a.Hints) > 0 {
		e.line("before", "%s", status(103))
		e.block(a.Hints)
	}
	e.line("answer", "%s", status(a.Status))
	e.block(a.Block)
	if a.Length >= 0 {
		e.block(http1.AppendContentLength(nil, a.Length))
	}
}

// servedFile is the name of the file that a successful answer came from, looked for in the order of package static.
func servedFile(s *config.Static, below string, status int) string {
	if status != 200 && status != 206 && status != 304 {
		return ""
	}
	if s.File {
		return s.Root
	}
	index := s.Index
	if len(index) == 0 {
		index = []string{"index.html"}
	}
	names := []string{unescape(below)}
	for _, i := range index {
		names = append(names, path.Join(unescape(below), i))
	}
	for _, i := range index {
		names = append(names, "/"+i) // the fallback of a single-page application
	}
	for _, name := range names {
		file := filepath.Join(s.Root, filepath.FromSlash(name))
		if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() {
			return file
		}
	}
	return ""
}

// fixed shows the response.
func (e *explanation) fixed(r *config.Route) {
	a := &r.Action
	e.line("answer", "%s", status(a.Status))
	switch {
	case a.JSON:
		e.block([]byte("Content-Type: application/json\n"))
	case a.Body != "":
		e.block([]byte("Content-Type: text/plain; charset=utf-8\n"))
	}
	if a.Body != "" && a.Status != 204 && a.Status != 304 {
		e.out.WriteString("\n")
		e.block([]byte(a.Body))
	}
}

// redirect shows where the client is sent.
func (e *explanation) redirect(g *gateway.Route) {
	var query []byte
	if e.request.HasQuery {
		query = e.request.Bytes(e.request.Query)
	}
	e.line("answer", "%s", status(g.Status))
	e.block(append([]byte("Location: "), g.Location.Append(nil, e.raw, e.norm, query, &e.match)...))
}

// unescape decodes the escapes that are left in a normalised path.
func unescape(p string) string {
	var b strings.Builder
	for i := 0; i < len(p); i++ {
		if p[i] == '%' && i+2 < len(p) {
			b.WriteByte(unhex(p[i+1])<<4 | unhex(p[i+2]))
			i += 2
			continue
		}
		b.WriteByte(p[i])
	}
	return b.String()
}

func unhex(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c - 'A' + 10
}
