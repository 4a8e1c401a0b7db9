package explain

import (
	"net/url"
	"os"
	"path"
	"path/filepath"

	"github.com/anygate/anygate/config"
	"github.com/anygate/anygate/gateway"
	"github.com/anygate/anygate/http1"
	"github.com/anygate/anygate/static"
)

// static shows what the site answers, and from which file.
func (e *explanation) static(r *config.Route, g *gateway.Route) {
	var req static.Request
	gateway.FileRequest(&req, e.request, e.raw, e.norm, &e.match, nil)
	below := string(req.Path)
	a, done := static.Look(g.Site, &req, e.now.Unix())
	defer done()
	if a.Listing != nil {
		made := a.Listing.Make()
		e.line("directory", "%s", filepath.Join(r.Static.Root, filepath.FromSlash(unescape(below))))
		a.Status, a.Block, a.Length = made.Status, made.Block, int64(len(made.Content))
	} else if file := servedFile(&r.Static, below, a.Status); file != "" {
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

// unescape decodes the escapes that are left in a normalised path, which are well-formed.
func unescape(p string) string {
	decoded, _ := url.PathUnescape(p)
	return decoded
}
