package http1

import "testing"

func TestCopyTo(t *testing.T) {
	const head = "GET http://h.example/a?b HTTP/1.1\r\nHost: x\r\nX-A: 1\r\nAccept: a\r\nAccept: b\r\n\r\n"
	for _, c := range []string{head, "GET / HTTP/1.0\r\n\r\n", "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n"} {
		wire := []byte(c + "content")
		var r, again Request
		if n, err := r.Scan(wire, &DefaultLimits); err != OK || n != len(c) {
			t.Fatal(n, err)
		}
		r.CopyTo(&again)
		target, method, path, fields := string(r.Bytes(r.Target)), string(r.Bytes(r.Method)), string(r.PathBytes()), len(r.Fields)
		clear(wire)
		r.Reset()
		if got := string(again.Bytes(again.Target)); got != target || string(again.Bytes(again.Method)) != method || string(again.PathBytes()) != path {
			t.Errorf("the copy of %q has the target %q", c, got)
		}
		if len(again.Fields) != fields {
			t.Errorf("the copy of %q has %d fields", c, len(again.Fields))
		}
		if c == head {
			i := again.First(Accept)
			j := again.Next(i)
			if i < 0 || j < 0 || string(again.Value(&again.Fields[j])) != "b" || again.Find("x-a") < 0 || string(again.Bytes(again.HostName)) != "h.example" {
				t.Errorf("the copy of %q lacks fields", c)
			}
		}
	}
}
