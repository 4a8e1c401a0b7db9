package gateway

import (
	"strconv"

	"github.com/anygate/anygate/http1"
	"github.com/anygate/anygate/proxy"
)

// The statuses of errors, which can have pages.
const (
	firstError = 400
	lastError  = 599
)

// ErrorPages are the pages that a configuration has for errors. They are
// immutable once routes refer to them; nil has none.
type ErrorPages struct {
	// Intercept says that they also stand for what upstreams answer.
	Intercept bool

	pages [lastError - firstError + 1]*Fixed
}

// Set adds the page of a status from 400 to 599.
func (p *ErrorPages) Set(status int, f *Fixed) { p.pages[status-firstError] = f }

// Page is the page of a status, nil if there is none.
func (p *ErrorPages) Page(status int) *Fixed {
	if p == nil || status < firstError || status > lastError {
		return nil
	}
	return p.pages[status-firstError]
}

// plainPages are the answers for which the configuration has no page.
var plainPages = buildPlainPages()

func buildPlainPages() *ErrorPages {
	p := new(ErrorPages)
	for status := firstError; status <= lastError; status++ {
		if text := http1.StatusText(status); text != "" {
			body := strconv.Itoa(status) + " " + text + "\n"
			p.Set(status, NewFixed(status, "text/plain; charset=utf-8", []byte(body)))
		}
	}
	return p
}

// errorPage is the answer with a status to what is no request of any route.
func (gen *Generation) errorPage(status int) *Fixed {
	if f := gen.Errors.Page(status); f != nil {
		return f
	}
	return plainPages.Page(status)
}

// errorPages are those of the exchange's route or, before there is one, of the
// configuration.
func (x *Exchange) errorPages() *ErrorPages {
	if x.route != nil {
		return x.route.Errors
	}
	return x.gen.Errors
}

// page is the one of a status, which has a name.
func (x *Exchange) page(status int) *Fixed {
	if f := x.errorPages().Page(status); f != nil {
		return f
	}
	return plainPages.Page(status)
}

// answer answers with the page of a status.
func (x *Exchange) answer(status int) {
	if x.grpc.asked {
		x.answerGRPC(grpcPages[status-firstError])
		return
	}
	x.prebuilt(x.page(status))
}

// refuse is answer with a reason for the access log.
func (x *Exchange) refuse(status int, reason string) {
	x.log.reason = reason
	x.answer(status)
}

// answerWith is answer with further field lines.
func (x *Exchange) answerWith(status int, block []byte) {
	if x.grpc.asked {
		x.answerGRPC(grpcPages[status-firstError])
		return
	}
	x.sendPage(x.page(status), &Response{Status: status, Block: block})
	x.end(nil)
}

// sendPage begins the response with a page in place of the content of another
// response, of which the fields stay that are not about its content, Allow and
// Retry-After say. Its end is left to the caller.
func (x *Exchange) sendPage(f *Fixed, instead *Response) {
	b := append(x.g.fields[:0], f.block...)
	b = appendForeign(b, instead.Block)
	x.g.fields = b
	x.head(Response{
		Status: instead.Status, Block: b, Length: int64(len(f.body)),
		HasDate: instead.HasDate, HasServer: instead.HasServer,
	})
	if len(f.body) > 0 && !x.HEAD() {
		x.codec.Content(x, f.body)
	}
}

// replaceable reports whether a page stands for what an upstream answers.
func (x *Exchange) replaceable(status int) *Fixed {
	if p := x.errorPages(); p != nil && p.Intercept {
		return p.Page(status)
	}
	return nil
}

// replace answers with a page in place of an upstream's response. The rest of
// that is read, if it is not long, so that the connection can go on.
func (x *Exchange) replace(f *Fixed, r *proxy.Response) {
	x.state |= replaced
	x.sendPage(f, &Response{Status: r.Status, Block: r.Block, HasDate: r.HasDate, HasServer: r.HasServer})
	if r.Length > discardLimit && !x.HEAD() {
		x.giveUpRest()
	}
}

// discard reads over content that a page stands for.
func (x *Exchange) discard(n int) {
	x.discarded += n
	if x.discarded > discardLimit {
		x.giveUpRest()
	}
}

// giveUpRest ends an exchange without the rest of the upstream's response.
func (x *Exchange) giveUpRest() {
	x.logUpstream(x.call)
	x.call.Cancel()
	x.call = nil
	x.end(nil)
}

// describing are the fields that describe the content they come with (RFC
// 9110, section 8), and mean nothing beside other content. The name of each is
// in lower case.
var describing = [...]string{
	"content-type", "content-encoding", "content-language", "content-location", "content-disposition", "content-digest",
	"content-md5", "content-length", "repr-digest", "digest", "etag", "last-modified", "accept-ranges", "trailer",
}

// appendForeign appends the field lines of block that describe no content.
func appendForeign(dst, block []byte) []byte {
	for len(block) > 0 {
		end := 0
		for end < len(block) && block[end] != '\n' {
			end++
		}
		end = min(end+1, len(block))
		if !describes(block[:end]) {
			dst = append(dst, block[:end]...)
		}
		block = block[end:]
	}
	return dst
}

// describes reports whether a field line is one of those that describe content.
func describes(line []byte) bool {
	for _, name := range describing {
		if len(line) > len(name) && line[len(name)] == ':' && http1.EqualFold(line[:len(name)], name) {
			return true
		}
	}
	return false
}
