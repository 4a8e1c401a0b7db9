package proxy

import "github.com/anygate/anygate/http1"

// droppedResponse says which fields of a response are not passed on, beside
// the hop-by-hop ones: the framing is the client's connection's business.
func droppedResponse(_ *http1.Head, f *http1.Field) bool { return f.ID == http1.ContentLength }

// appendResponseFields appends the field lines of a response that are passed
// on to the client.
func appendResponseFields(dst []byte, r *http1.Response) []byte {
	return appendKept(dst, &r.Head, droppedResponse)
}

// passes reports whether a field of a response is there and passed on.
func passes(h *http1.Head, id http1.FieldID) bool {
	i := h.First(id)
	return i >= 0 && !h.Fields[i].HopByHop()
}

// appendTrailers appends the trailer fields that are passed on, one by one:
// between two of them there may be lines that TrailerSection has left out.
func appendTrailers(dst []byte, t *http1.TrailerSection) []byte {
	for i := range t.Fields {
		f := &t.Fields[i]
		dst = http1.AppendField(dst, t.Name(f), t.Value(f))
	}
	return dst
}
