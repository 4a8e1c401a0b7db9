package proxy

import "github.com/anygate/anygate/http1"

// droppedResponse says which fields of a response are not passed on, beside
// the hop-by-hop ones: the framing is the client's connection's business.
func droppedResponse(id http1.FieldID) bool { return id == http1.ContentLength }

// appendResponseFields appends the field lines of a response that are passed
// on to the client.
func appendResponseFields(dst []byte, r *http1.Response) []byte {
	return appendKept(dst, &r.Head, droppedResponse)
}
