package gateway

import (
	"bytes"
	"testing"

	"github.com/anygate/anygate/http1"
	"github.com/anygate/anygate/tlsedge"
)

// FuzzFieldLines writes lines of whatever a request, and what else is known, may be: each is one line with the name that
// the configuration has for it, in its order.
func FuzzFieldLines(f *testing.F) {
	f.Add([]byte("GET /a?b HTTP/1.1\r\nHost: h:80\r\n\r\n"), "user", "sni")
	f.Add([]byte("GET http://H/\t HTTP/1.1\r\nHost: h\r\n\r\n"), "a\r\nX: y", "\x00")
	f.Add([]byte("GET * HTTP/1.0\r\n\r\n"), " ", "a\n")
	lines := linesOf(f, append(everyVariable("V-"), "V-Text: a {query} {user}b")...)
	f.Fuzz(func(t *testing.T, head []byte, user, name string) {
		var h http1.Request
		facts := &Facts{User: []byte(user), TLS: &tlsedge.State{ServerName: name, Protocol: name}}
		if n, err := h.Scan(head, &http1.DefaultLimits); n > 0 && err == http1.OK {
			var kept keptAsked
			kept.keep(&h, "HTTP/1.1")
			facts.Asked = kept.Asked
			clear(head) // what is kept is a copy
		}
		got, _ := lines.Append(nil, facts, 1<<16)
		var parsed http1.Request
		again := append(append([]byte("GET / HTTP/1.1\r\nHost: h\r\n"), got...), "\r\n"...)
		if err := parsed.Parse(again, &http1.Limits{RequestLine: 100, HeadBytes: 1<<16 - 1, Fields: 100}); err != http1.OK {
			t.Fatalf("%v: %q", err, got)
		}
		at := 0
		for i := range parsed.Fields[1:] {
			field := parsed.Name(&parsed.Fields[i+1])
			for at < len(lines.lines) && !bytes.Equal(append(bytes.Clone(field), ": "...), []byte(lines.lines[at].name)) {
				at++
			}
			if at == len(lines.lines) {
				t.Fatalf("%q is not a line of its own, or out of order: %q", field, got)
			}
			at++
		}
	})
}
