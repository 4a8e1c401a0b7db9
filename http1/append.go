package http1

import (
	"math/bits"
	"strconv"
)

// Text is what can be appended as it is.
type Text interface{ ~string | ~[]byte }

// CRLF ends a line, the head, and the data of a chunk.
const CRLF = "\r\n"

// LastChunk ends content in the chunked transfer coding when no trailer fields follow. With trailer fields it is
// LastChunkLine, the field lines, and CRLF.
const (
	LastChunk     = LastChunkLine + CRLF
	LastChunkLine = "0" + CRLF
)

// Continue is a whole 100 (Continue) response.
const Continue = "HTTP/1.1 100 Continue" + CRLF + CRLF

// Field lines that are written often.
const (
	FieldClose     = "Connection: close" + CRLF
	FieldKeepAlive = "Connection: keep-alive" + CRLF
	FieldChunked   = "Transfer-Encoding: chunked" + CRLF
)

// AppendRequestLine appends the request line of an HTTP/1.1 request (RFC 9112, section 3).
func AppendRequestLine[M, T Text](dst []byte, method M, target T) []byte {
	dst = append(dst, method...)
	dst = append(dst, ' ')
	dst = append(dst, target...)
	return append(dst, " HTTP/1.1\r\n"...)
}

// AppendField appends a field line. Name and value are not checked: they come from a parsed message or from validated
// configuration; IsToken and IsFieldValue check others.
func AppendField[N, V Text](dst []byte, name N, value V) []byte {
	dst = append(dst, name...)
	dst = append(dst, ':', ' ')
	dst = append(dst, value...)
	return append(dst, '\r', '\n')
}

// AppendContentLength appends a Content-Length field line.
func AppendContentLength(dst []byte, n int64) []byte {
	dst = append(dst, "Content-Length: "...)
	dst = strconv.AppendInt(dst, n, 10)
	return append(dst, '\r', '\n')
}

// MaxChunkHeader is the longest output of AppendChunkHeader, for callers that reserve room for it.
const MaxChunkHeader = 16 + 2

// AppendChunkHeader appends the chunk-size line of a chunk of n bytes, n > 0: a chunk of 0 bytes would be the
// last-chunk. The data follows, and CRLF behind it.
func AppendChunkHeader(dst []byte, n int) []byte {
	const digits = "0123456789abcdef"
	for shift := (bits.Len(uint(n)|1) - 1) &^ 3; shift >= 0; shift -= 4 {
		dst = append(dst, digits[n>>shift&15])
	}
	return append(dst, '\r', '\n')
}
