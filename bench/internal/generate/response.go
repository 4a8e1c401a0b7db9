package generate

import (
	"bytes"
	"errors"
	"math"
	"strconv"
)

// response follows one HTTP/1.1 answer through whatever pieces it arrives in. It understands what the benchmark's
// servers send: Content-Length, chunked, and neither for statuses without content.
type response struct {
	state  responseState
	status int
	// length is the content received so far.
	length int64
	// remaining is what is left of the content or of the current chunk.
	remaining int64
	// coded says that the content has a content coding.
	coded bool
	// closing says that the server announced the end of the connection.
	closing bool
	// partial holds the beginning of a head, or of a chunk's line, that has not arrived whole.
	partial []byte
}

type responseState uint8

const (
	inHead responseState = iota
	inContent
	inChunkLine
	inChunk
	inChunkEnd
	inTrailers
	complete
)

// maxHead bounds what is kept of an unfinished head.
const maxHead = 16 << 10

var (
	errHead       = errors.New("the answer's head is longer than 16 KiB or not HTTP/1.1")
	errChunk      = errors.New("malformed chunk")
	errUnbounded  = errors.New("the answer has neither Content-Length nor chunks")
	errBeyondDone = errors.New("bytes after the end of the answer")
)

func (r *response) reset() {
	*r = response{partial: r.partial[:0]}
}

// feed consumes bytes and reports whether the answer is complete. Bytes beyond its end are an error, since no request
// is pipelined.
func (r *response) feed(data []byte) (done bool, err error) {
	for len(data) > 0 {
		switch r.state {
		case inHead:
			if data, err = r.head(data); err != nil {
				return false, err
			}
		case inContent, inChunk:
			n := min(int64(len(data)), r.remaining)
			r.length += n
			r.remaining -= n
			data = data[n:]
			if r.remaining == 0 {
				if r.state == inContent {
					r.state = complete
				} else {
					r.state = inChunkEnd
				}
			}
		case inChunkLine, inChunkEnd, inTrailers:
			if data, err = r.line(data); err != nil {
				return false, err
			}
		case complete:
			return false, errBeyondDone
		}
	}
	return r.state == complete, nil
}

// head consumes up to the end of the head, or keeps all of data until the rest arrives.
func (r *response) head(data []byte) ([]byte, error) {
	whole := data
	if len(r.partial) > 0 {
		r.partial = append(r.partial, data...)
		whole = r.partial
	}
	end := bytes.Index(whole, []byte("\r\n\r\n"))
	if end < 0 {
		if len(whole) > maxHead {
			return nil, errHead
		}
		if len(r.partial) == 0 {
			r.partial = append(r.partial, data...)
		}
		return nil, nil
	}
	rest := data[len(data)-(len(whole)-end-4):]
	err := r.parseHead(whole[:end+2])
	r.partial = r.partial[:0]
	return rest, err
}

func (r *response) parseHead(head []byte) error {
	const statusAt, statusEnd = len("HTTP/1.1 "), len("HTTP/1.1 200")
	if len(head) < statusEnd || !bytes.HasPrefix(head, []byte("HTTP/1.")) {
		return errHead
	}
	r.status = 0
	for _, digit := range head[statusAt:statusEnd] {
		if digit < '0' || digit > '9' {
			return errHead
		}
		r.status = r.status*10 + int(digit-'0')
	}
	if r.status < 200 {
		r.state = inHead // An interim answer; the final one follows.
		return nil
	}
	length, chunked := int64(-1), false
	for line := range bytes.SplitSeq(head, []byte("\r\n")) {
		name, value, found := bytes.Cut(line, []byte(":"))
		if !found {
			continue
		}
		value = bytes.TrimSpace(value)
		switch {
		case bytes.EqualFold(name, []byte("content-length")):
			if length = number(value, 10); length < 0 {
				return errHead
			}
		case bytes.EqualFold(name, []byte("transfer-encoding")):
			chunked = bytes.EqualFold(value, []byte("chunked"))
		case bytes.EqualFold(name, []byte("content-encoding")):
			r.coded = true
		case bytes.EqualFold(name, []byte("connection")):
			r.closing = bytes.EqualFold(value, []byte("close"))
		}
	}
	switch {
	case r.status == 204 || r.status == 304 || length == 0:
		r.state = complete
	case chunked:
		r.state = inChunkLine
	case length > 0:
		r.state, r.remaining = inContent, length
	default:
		return errUnbounded
	}
	return nil
}

// line consumes a line of the chunked coding, or keeps its beginning until the rest arrives.
func (r *response) line(data []byte) ([]byte, error) {
	end := bytes.IndexByte(data, '\n')
	if end < 0 {
		r.partial = append(r.partial, data...)
		if len(r.partial) > maxHead {
			return nil, errChunk
		}
		return nil, nil
	}
	line := data[:end]
	if len(r.partial) > 0 {
		r.partial = append(r.partial, line...)
		line = r.partial
	}
	line = bytes.TrimSuffix(line, []byte("\r"))
	switch r.state {
	case inChunkLine:
		digits, _, _ := bytes.Cut(line, []byte(";"))
		if r.remaining = number(bytes.TrimSpace(digits), 16); r.remaining < 0 {
			return nil, errChunk
		}
		r.state = inChunk
		if r.remaining == 0 {
			r.state = inTrailers
		}
	case inChunkEnd:
		if len(line) != 0 {
			return nil, errChunk
		}
		r.state = inChunkLine
	default:
		if len(line) == 0 {
			r.state = complete
		}
	}
	r.partial = r.partial[:0]
	return data[end+1:], nil
}

// number returns the value of the digits, or -1.
func number(digits []byte, base int) int64 {
	value, err := strconv.ParseUint(string(digits), base, 63)
	if err != nil || value > math.MaxInt64 {
		return -1
	}
	return int64(value)
}
