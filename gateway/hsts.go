package gateway

import (
	"bytes"

	"github.com/anygate/anygate/h2"
	"github.com/anygate/anygate/http1"
)

// hsts is the line of Strict-Transport-Security for responses of the connection, nil
// for none. A response over plain HTTP must not have one (RFC 6797, section 7.2).
func (h *h1Conn) hsts() []byte {
	if !h.flags.has(h1Secure) {
		return nil
	}
	return h.g.gen.Settings.HSTS
}

// appendHSTS appends the line, unless the response has one of its own: of two
// clients heed the first only (RFC 6797, section 8.1), and the server behind knows
// better.
func (h *h1Conn) appendHSTS(dst, block []byte) []byte {
	line := h.hsts()
	if line == nil || declaresHSTS(block) {
		return dst
	}
	return append(dst, line...)
}

// encodeHSTS is the line as it stands behind heads that are encoded already, nil for
// none. There is one for all connections until the configuration changes.
func (m *h2Shared) encodeHSTS(line []byte) []byte {
	if line == nil {
		return nil
	}
	if !bytes.Equal(m.hstsLine, line) {
		m.hstsLine, m.hsts = line, h2.AppendLines(m.hsts[:0], line)
	}
	return m.hsts
}

// declaresHSTS reports whether field lines have one of Strict-Transport-Security.
func declaresHSTS(block []byte) bool {
	const name = "strict-transport-security"
	for len(block) > len(name) {
		if block[0]|0x20 == 's' && block[len(name)] == ':' && http1.EqualFold(block[:len(name)], name) {
			return true
		}
		i := 0
		for i < len(block) && block[i] != '\n' {
			i++
		}
		block = block[min(i+1, len(block)):]
	}
	return false
}
