package gateway

import (
	"bytes"

	"github.com/anygate/anygate/h2"
	"github.com/anygate/anygate/http1"
)

// Fixed is a response whose bytes were built when the configuration was
// loaded; only the date is filled in.
type Fixed struct {
	Status int
	block  []byte // field lines
	body   []byte
	image  []byte // the HTTP/1.1 response
	date   int    // where the date is in image
	head   int    // length of the head in image
	h2     []byte // the header block of HTTP/2
	h2date int    // where the date is in it

	edited *FieldEdits // what was done to block already
}

const serverLine = "Server: anygate\r\n"

// NewFixed builds a response. An empty contentType leaves Content-Type out;
// body is kept.
func NewFixed(status int, contentType string, body []byte) *Fixed {
	var block []byte
	if contentType != "" {
		block = http1.AppendField(block, "Content-Type", contentType)
	}
	return newFixed(status, block, body)
}

func newFixed(status int, block, body []byte) *Fixed {
	if status == 204 || status == 304 {
		body = nil
	}
	f := &Fixed{Status: status, block: block, body: body}
	b := http1.AppendStatusLine(nil, status)
	b = append(b, serverLine+"Date: "...)
	f.date = len(b)
	b = http1.AppendDate(b, 0)
	b = append(b, "\r\n"...)
	b = append(b, block...)
	if status != 204 && status != 304 {
		b = http1.AppendContentLength(b, int64(len(body)))
	}
	b = append(b, "\r\n"...)
	f.head = len(b)
	f.image = append(b, body...)
	length := int64(len(body))
	if status == 204 || status == 304 {
		length = -1
	}
	f.h2, f.h2date = h2.AppendBlock(nil, &h2.ResponseHead{
		Status: status, Length: length, Server: serverName, Date: http1.AppendDate(nil, 0), Block: block,
	})
	return f
}

// As is the response with another status.
func (f *Fixed) As(status int) *Fixed {
	if status == f.Status {
		return f
	}
	return newFixed(status, f.block, f.body)
}

// Prebuild edits the response of a fixed action once for all, if nothing else is
// done to the responses of its route. Date and Server are no part of a block, so
// that edits of those are left to each response.
func (r *Route) Prebuild() {
	p := r.Policies
	if p == nil || p.Fields == nil || !p.static() || p.Fields.date || p.Fields.server {
		return
	}
	block := p.Fields.Apply(bytes.Clone(r.Fixed.block), 0)
	r.Fixed = newFixed(r.Fixed.Status, block, r.Fixed.body)
	r.Fixed.edited = p.Fields
}

// prebuilt answers with a response built beforehand.
func (x *Exchange) prebuilt(f *Fixed) {
	if p := x.policies(); p != nil && p.decorates() && (f.edited == nil || f.edited != p.Fields) {
		length := int64(len(f.body))
		if f.Status == 204 || f.Status == 304 {
			length = -1
		}
		x.respond(Response{Status: f.Status, Block: f.block, Length: length}, f.body)
		return
	}
	x.begin(f.Status)
	x.state |= responseOver
	x.codec.Prebuilt(x, f)
}
