package gateway

import (
	"unsafe"

	"github.com/anygate/anygate/http1"
	"github.com/anygate/anygate/route"
	"github.com/anygate/anygate/static"
)

// copyContent is up to how many bytes of a small file are copied behind the
// head instead of being sent from where they lie.
const copyContent = 4 << 10

// serveStatic answers from a directory or a file.
func (g *Gateway) serveStatic(x *Exchange, h *http1.Request, raw, norm []byte) {
	var r static.Request
	g.list = FileRequest(&r, h, raw, norm, &g.match, g.list[:0])
	r.Now = fileClock(g.s.Now())
	a := &g.file
	if g.files.Serve(x.route.Site, &r, a); a.Wanted {
		g.awaitFile(x, &r)
		return
	}
	x.answerFile(a)
}

// answerFile sends an answer of the cache of files.
func (x *Exchange) answerFile(a *static.Answer) {
	g := x.g
	if f := x.errorPages().Page(a.Status); f != nil {
		x.sendPage(f, &Response{Status: a.Status, Block: a.Block})
		x.end(nil)
		return
	}
	if a.Listing != nil {
		g.serveListing(x, a.Listing)
		return
	}
	if len(a.Hints) > 0 {
		x.interim(103, a.Hints)
	}
	if p := x.policies(); a.Whole != nil && (p == nil || !p.decorates()) {
		if h, ok := x.codec.(*h1Conn); ok && h.whole(x, a) {
			return
		}
	}
	x.head(Response{Status: a.Status, Block: a.Block, Length: a.Length, Kept: a.Entry != nil && len(a.Parts) == 0})
	switch {
	case x.HEAD():
	case a.Entry == nil:
		if len(a.Text) > 0 {
			x.codec.Content(x, a.Text)
		}
	case len(a.Parts) > 0:
		for i := range a.Parts {
			p := &a.Parts[i]
			x.codec.Content(x, p.Head)
			g.sendFile(x, a, p.Mem, p.Off, p.Length)
		}
		x.codec.Content(x, a.Text)
	default:
		g.sendFile(x, a, a.Mem, a.Off, a.Length)
	}
	x.end(nil)
}

// sendFile sends a piece of a file, from memory or, without, from the descriptor.
func (g *Gateway) sendFile(x *Exchange, a *static.Answer, mem []byte, off, length int64) {
	switch {
	case mem == nil:
		g.files.Retain(a.Entry)
		x.codec.File(x, a.FD, off, length, a.Entry.Token())
	case len(mem) <= copyContent:
		x.codec.Content(x, mem)
	default:
		g.files.Retain(a.Entry)
		x.codec.Memory(x, uintptr(unsafe.Pointer(unsafe.SliceData(mem))), len(mem), a.Entry.Token())
	}
}

// FileRequest fills in what a request asks of the site of its route: raw is its
// path as sent, norm in its normal form, and m how the route has matched that.
// Fields of several lines are joined in list, which is returned.
func FileRequest(r *static.Request, h *http1.Request, raw, norm []byte, m *route.Match, list []byte) []byte {
	r.GET, r.HEAD, r.OPTIONS = h.MethodID == http1.GET, h.MethodID == http1.HEAD, h.MethodID == http1.OPTIONS
	r.Path, r.RawPath = below(norm, m), raw
	if h.HasQuery {
		r.RawQuery = h.Bytes(h.Query)
	}
	if !m.HasRest {
		// The route is for this path only: with a slash behind it, where a
		// directory would send the client, nothing is.
		r.RawPath = rootPath
	}
	r.IfMatch, list = joined(h, http1.IfMatch, list)
	r.IfNoneMatch, list = joined(h, http1.IfNoneMatch, list)
	r.IfModifiedSince, _ = h.Get(http1.IfModifiedSince)
	r.IfUnmodifiedSince, _ = h.Get(http1.IfUnmodifiedSince)
	r.Range, _ = h.Get(http1.Range)
	r.IfRange, _ = h.Get(http1.IfRange)
	r.Accept, list = joined(h, http1.Accept, list)
	r.AcceptEncoding, list = joined(h, http1.AcceptEncoding, list)
	if i := h.Find("sec-fetch-mode"); i >= 0 {
		r.SecFetchMode = h.Value(&h.Fields[i])
	}
	return list
}

// below is the part of the path that the site resolves: what "*" or the
// prefix matched, or the site's root.
func below(norm []byte, m *route.Match) []byte {
	if m.HasRest && m.Rest <= len(norm) && norm[m.Rest-1] == '/' {
		return norm[m.Rest-1:]
	}
	return rootPath
}

// joined is the value of a list field, whose lines may be several: these are
// joined behind what list has.
func joined(h *http1.Request, id http1.FieldID, list []byte) (value, _ []byte) {
	if !h.Repeated(id) {
		v, _ := h.Get(id)
		return v, list
	}
	start := len(list)
	for i := h.First(id); i >= 0; i = h.Next(i) {
		if len(list) > start {
			list = append(list, ", "...)
		}
		list = append(list, h.Value(&h.Fields[i])...)
	}
	return list[start:], list
}

// joined is that of the field alone, valid until the next one.
func (g *Gateway) joined(h *http1.Request, id http1.FieldID) (value []byte) {
	value, g.list = joined(h, id, g.list[:0])
	return value
}
