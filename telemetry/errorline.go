package telemetry

import (
	"net/netip"
	"strconv"
	"time"
)

// Field is a named value of an error line. Its bytes are borrowed for the call it is given to.
type Field struct {
	key   string
	kind  fieldKind
	text  string
	bytes []byte
	n     int64
	addr  netip.AddrPort
}

type fieldKind uint8

const (
	fieldString fieldKind = iota
	fieldBytes
	fieldInt
	fieldDuration
	fieldAddr
)

// String makes a field of a string.
func String(key, value string) Field { return Field{key: key, kind: fieldString, text: value} }

// Bytes makes a field of bytes that may be anything.
func Bytes(key string, value []byte) Field { return Field{key: key, kind: fieldBytes, bytes: value} }

// Int makes a field of a number.
func Int(key string, value int64) Field { return Field{key: key, kind: fieldInt, n: value} }

// Duration makes a field of a time span, written in milliseconds.
func Duration(key string, value time.Duration) Field {
	return Field{key: key, kind: fieldDuration, n: int64(value)}
}

// Addr makes a field of an address.
func Addr(key string, value netip.AddrPort) Field {
	return Field{key: key, kind: fieldAddr, addr: value}
}

// AppendError appends a line of the error log, "TIME LEVEL MESSAGE KEY=VALUE...", at most MaxLine bytes with its newline.
// The message is the program's own words; what comes from outside belongs into fields.
func AppendError(dst []byte, l Level, unix int64, msg string, fields ...Field) []byte {
	dst = appendTime(dst, unix)
	dst = append(dst, ' ')
	dst = append(dst, l.String()...)
	dst = append(dst, ' ')
	dst = appendEscaped(dst, msg, maxMessage)
	for i := range fields[:min(len(fields), maxFields)] {
		f := &fields[i]
		dst = append(dst, ' ')
		dst = appendEscaped(dst, f.key, maxKey)
		dst = append(dst, '=')
		switch f.kind {
		case fieldString:
			dst = appendText(dst, f.text, maxValue)
		case fieldBytes:
			dst = appendText(dst, f.bytes, maxValue)
		case fieldInt:
			dst = strconv.AppendInt(dst, f.n, 10)
		case fieldDuration:
			dst = append(appendMilliseconds(dst, time.Duration(f.n)), "ms"...)
		case fieldAddr:
			if !f.addr.IsValid() {
				dst = append(dst, '-')
			} else {
				dst = appendPeer(dst, f.addr)
			}
		}
	}
	return append(dst, '\n')
}

// Error appends a line to the ring of an error log. It reports false when there was no room.
func (r *Ring) Error(l Level, unix int64, msg string, fields ...Field) bool {
	b := r.Reserve(MaxLine)
	if b == nil {
		return false
	}
	r.Commit(len(AppendError(b, l, unix, msg, fields...)))
	return true
}
