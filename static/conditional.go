package static

import (
	"bytes"

	"github.com/anygate/anygate/http1"
)

// validators are the current validators of a file.
type validators struct {
	tag      []byte // opaque-tag with its quotes
	weak     bool
	date     []byte // the value of Last-Modified
	modified int64  // the same in Unix seconds
}

// evaluate applies the preconditions of a GET or HEAD in the order of RFC 9110
// 13.2.2. It returns 412 or 304, or 0 if the method is to be performed.
func (v *validators) evaluate(r *Request) uint16 {
	if r.IfMatch != nil {
		if !v.matchesList(r.IfMatch, true) {
			return 412
		}
	} else if r.IfUnmodifiedSince != nil {
		if date, ok := v.parseDate(r.IfUnmodifiedSince); ok && v.modified > date {
			return 412
		}
	}
	if r.IfNoneMatch != nil {
		if v.matchesList(r.IfNoneMatch, false) {
			return 304
		}
	} else if r.IfModifiedSince != nil {
		if date, ok := v.parseDate(r.IfModifiedSince); ok && v.modified <= date {
			return 304
		}
	}
	return 0
}

// parseDate reads a date. Nearly always it is the one that the client got in
// Last-Modified, and need not be parsed.
func (v *validators) parseDate(b []byte) (int64, bool) {
	if len(b) > 0 && bytes.Equal(b, v.date) {
		return v.modified, true
	}
	return http1.ParseDate(b)
}

// rangeApplies evaluates If-Range (RFC 9110 13.1.5): a part may be sent only if
// the client's other parts are of the very same content. That takes strong
// comparison; a date must be the exact one, since a client may use a date only if
// it knows it to be a strong validator. While the file is young, neither proves
// anything.
func (v *validators) rangeApplies(r *Request) bool {
	if r.IfRange == nil {
		return true
	}
	if v.weak {
		return false
	}
	if tag, weak, rest, ok := cutEntityTag(r.IfRange); ok {
		return !weak && len(rest) == 0 && bytes.Equal(tag, v.tag)
	}
	date, ok := v.parseDate(r.IfRange)
	return ok && date == v.modified
}

// matchesList reports whether a list of entity tags, or "*", includes the
// current one. Reading stops at the first thing that is not an entity tag.
func (v *validators) matchesList(list []byte, strong bool) bool {
	if trimmed := trimSpace(list); len(trimmed) == 1 && trimmed[0] == '*' {
		return true
	}
	for {
		list = trimListStart(list)
		tag, weak, rest, ok := cutEntityTag(list)
		if !ok {
			return false
		}
		if bytes.Equal(tag, v.tag) && !(strong && (weak || v.weak)) {
			return true
		}
		rest = trimSpace(rest)
		if len(rest) > 0 && rest[0] != ',' {
			return false
		}
		list = rest
	}
}

// cutEntityTag cuts one entity-tag (RFC 9110 8.8.3) off the front. Commas and
// spaces belong to the tag, a quote ends it: there is no escape.
func cutEntityTag(b []byte) (tag []byte, weak bool, rest []byte, ok bool) {
	if len(b) >= 2 && b[0] == 'W' && b[1] == '/' {
		weak = true
		b = b[2:]
	}
	if len(b) < 2 || b[0] != '"' {
		return nil, false, nil, false
	}
	end := bytes.IndexByte(b[1:], '"')
	if end < 0 {
		return nil, false, nil, false
	}
	return b[:end+2], weak, b[end+2:], true
}

// trimListStart skips what may precede a list member: whitespace and the commas
// of empty members (RFC 9110 5.6.1.2).
func trimListStart(b []byte) []byte {
	for len(b) > 0 && (b[0] == ',' || isSpace(b[0])) {
		b = b[1:]
	}
	return b
}

// trimSpace trims optional whitespace on both sides (RFC 9110 5.6.3).
func trimSpace(b []byte) []byte {
	for len(b) > 0 && isSpace(b[0]) {
		b = b[1:]
	}
	for len(b) > 0 && isSpace(b[len(b)-1]) {
		b = b[:len(b)-1]
	}
	return b
}

func isSpace(b byte) bool { return b == ' ' || b == '\t' }
