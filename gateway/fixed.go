package gateway

import (
	"strconv"

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
	return f
}

// errorPages are the gateway's own answers, by status.
var errorPages = buildErrorPages()

func buildErrorPages() (pages [600]*Fixed) {
	for status := 400; status < 600; status++ {
		if text := http1.StatusText(status); text != "" {
			body := strconv.Itoa(status) + " " + text + "\n"
			pages[status] = NewFixed(status, "text/plain; charset=utf-8", []byte(body))
		}
	}
	return pages
}

// prebuilt answers with a response built beforehand.
func (x *Exchange) prebuilt(f *Fixed) {
	x.begin(f.Status)
	x.state |= responseOver
	x.codec.Prebuilt(x, f)
}

// answer answers with one of the gateway's own pages.
func (x *Exchange) answer(status int) { x.prebuilt(errorPages[status]) }

// refuse is answer with a reason for the access log.
func (x *Exchange) refuse(status int, reason string) {
	x.log.reason = reason
	x.answer(status)
}

// answerWith is answer with further field lines.
func (x *Exchange) answerWith(status int, block []byte) {
	f := errorPages[status]
	b := append(x.g.fields[:0], f.block...)
	b = append(b, block...)
	x.g.fields = b
	x.respond(Response{Status: status, Block: b, Length: int64(len(f.body))}, f.body)
}
