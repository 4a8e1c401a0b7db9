package http1

import "math"

// framing is what the fields say about the length of the content (RFC 9112, section 6).
type framing struct {
	length  int64 // -1 without Content-Length
	chunked bool
}

var framingFields = setOf(ContentLength, TransferEncoding)

// framing reads Content-Length and Transfer-Encoding. There is one reading of them that all recipients share: one
// Content-Length that is a number, or one Transfer-Encoding that is "chunked" in a message of HTTP/1.1, or neither.
// Everything else is refused.
func (h *Head) framing(minor uint8) (framing, Error) {
	f := framing{length: -1}
	if h.present&framingFields == 0 {
		return f, OK
	}
	if h.present&framingFields == framingFields {
		return f, ErrFramingConflict
	}
	if value, ok := h.Get(TransferEncoding); ok {
		if h.Repeated(TransferEncoding) || minor == 0 || !EqualFold(value, "chunked") {
			return f, ErrBadTransferCoding
		}
		f.chunked = true
		return f, OK
	}
	if h.Repeated(ContentLength) {
		return f, ErrRepeatedLength
	}
	value, _ := h.Get(ContentLength)
	n, ok := parseLength(value)
	if !ok {
		return f, ErrBadContentLength
	}
	f.length = n
	return f, OK
}

// parseLength parses 1*DIGIT that fits 63 bits.
func parseLength(b []byte) (n int64, ok bool) {
	// 19 digits cannot overflow 64 bits, so that overflow of 63 shows in the sign.
	if len(b) == 0 || len(b) > 19 {
		return 0, false
	}
	var v uint64
	for _, c := range b {
		if class[c]&classDigit == 0 {
			return 0, false
		}
		v = v*10 + uint64(c-'0')
	}
	return int64(v), v <= math.MaxInt64
}

// connectionOptions is what the Connection fields say (RFC 9110, section 7.6.1).
type connectionOptions struct{ close, keepAlive, upgrade bool }

// connection reads all Connection fields, and marks the fields they nominate.
func (h *Head) connection() (opts connectionOptions, err Error) {
	if !h.present.has(Connection) {
		return opts, OK
	}
	if !h.repeated.has(Connection) {
		// The usual spellings are known at a glance.
		switch string(h.Value(&h.Fields[h.first[Connection]])) {
		case "keep-alive":
			opts.keepAlive = true
			return opts, OK
		case "close":
			opts.close = true
			return opts, OK
		}
	}
	count := 0
	for i := h.First(Connection); i >= 0; i = h.Next(i) {
		rest := h.Value(&h.Fields[i])
		for len(rest) > 0 {
			// Empty members are allowed, "a reasonable number" of them (RFC 9110, section 5.6.1).
			if count++; count > maxConnectionOptions {
				return opts, ErrBadConnection
			}
			var option []byte
			option, rest = nextMember(rest)
			switch {
			case len(option) == 0:
			case EqualFold(option, "keep-alive"):
				opts.keepAlive = true
			case EqualFold(option, "close"):
				opts.close = true
			case EqualFold(option, "upgrade"):
				opts.upgrade = true
			case !IsToken(option):
				return opts, ErrBadConnection
			default:
				h.nominate(option)
			}
		}
	}
	return opts, OK
}

// nominate marks the fields with the name.
func (h *Head) nominate(name []byte) {
	id := LookupField(name)
	if endToEndAlways.has(id) || (id != FieldOther && !h.present.has(id)) {
		return
	}
	for i := range h.Fields {
		f := &h.Fields[i]
		if f.ID == id && (id != FieldOther || foldEqual(h.Name(f), name)) {
			f.Nominated = true
		}
	}
}

// nextMember splits a list of tokens at its first comma.
func nextMember(list []byte) (member, rest []byte) {
	for i, c := range list {
		if c == ',' {
			return trimBlank(list[:i]), list[i+1:]
		}
	}
	return trimBlank(list), nil
}
