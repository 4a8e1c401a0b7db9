package health

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"testing"
	"time"

	"golang.org/x/net/http2/hpack"

	"github.com/anygate/anygate/proxy"
)

// frame is one of HTTP/2.
func frame(kind, flags byte, stream uint32, p []byte) []byte {
	b := []byte{byte(len(p) >> 16), byte(len(p) >> 8), byte(len(p)), kind, flags}
	return append(binary.BigEndian.AppendUint32(b, stream), p...)
}

// fields is a header block, given as pairs.
func fields(pairs ...string) []byte {
	var b bytes.Buffer
	e := hpack.NewEncoder(&b)
	for i := 0; i < len(pairs); i += 2 {
		_ = e.WriteField(hpack.HeaderField{Name: pairs[i], Value: pairs[i+1]})
	}
	return b.Bytes()
}

// h2says answers the first request on a connection of HTTP/2 with frames. asked is given what was asked for.
func h2says(asked chan<- string, frames ...[]byte) func(net.Conn) {
	return func(c net.Conn) {
		preface := make([]byte, 24)
		if _, err := io.ReadFull(c, preface); err != nil {
			return
		}
		_, _ = c.Write(frame(4, 0, 0, nil))
		for {
			var head [9]byte
			if _, err := io.ReadFull(c, head[:]); err != nil {
				return
			}
			p := make([]byte, int(head[0])<<16|int(head[1])<<8|int(head[2]))
			if _, err := io.ReadFull(c, p); err != nil {
				return
			}
			if head[3] == 1 && asked != nil {
				list, _ := hpack.NewDecoder(4096, nil).DecodeFull(p)
				text := ""
				for _, f := range list {
					text += f.Name + "=" + f.Value + " "
				}
				asked <- text
			}
			if head[3] == 1 && head[4]&1 != 0 || head[3] == 0 && head[4]&1 != 0 {
				break
			}
		}
		for _, f := range frames {
			_, _ = c.Write(f)
		}
		hold(c)
	}
}

func TestProbeOverHTTP2(t *testing.T) {
	const headers, ended = 1, 5 // END_HEADERS, and END_STREAM with it
	ok := frame(headers, 4, 1, fields(":status", "200", "content-type", "application/grpc"))
	state := func(v byte) []byte { return frame(0, 0, 1, []byte{0, 0, 0, 0, 2, 8, v}) }
	status := func(s string) []byte { return frame(headers, ended, 1, fields("grpc-status", s)) }
	plain, grpc := &Check{Path: "/up", Timeout: 10 * time.Second}, &Check{GRPC: true, Service: "a.B", Timeout: 10 * time.Second}
	for _, c := range []struct {
		name   string
		check  *Check
		frames [][]byte
		want   string // the error, none if it passes
	}{
		{"passes", plain, [][]byte{frame(headers, ended, 1, fields(":status", "200"))}, ""},
		{"passes with content", plain, [][]byte{frame(headers, 4, 1, fields(":status", "204")), frame(0, 1, 1, nil)}, ""},
		{"a wrong status", plain, [][]byte{frame(headers, ended, 1, fields(":status", "503"))}, "status 503"},
		{"a reset", plain, [][]byte{frame(3, 0, 1, []byte{0, 0, 0, 7})}, "the stream was reset: refused_stream"},
		{"another protocol", plain, [][]byte{[]byte("HTTP/1.1 400 Bad Request\r\n\r\n")}, "not an HTTP/2 response: frame_too_large"},
		{"serving", grpc, [][]byte{ok, state(1), status("0")}, ""},
		{"not serving", grpc, [][]byte{ok, state(2), status("0")}, "not serving: NOT_SERVING"},
		{"no message", grpc, [][]byte{ok, status("0")}, "not serving: UNKNOWN"},
		{"a service that nobody knows", grpc, [][]byte{frame(headers, ended, 1, fields(":status", "200", "grpc-status", "5"))}, "gRPC status 5"},
		{"no gRPC", grpc, [][]byte{frame(headers, ended, 1, fields(":status", "415"))}, "status 415"},
		{"no status", grpc, [][]byte{ok, state(1), frame(0, 1, 1, nil)}, "gRPC status -1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			asked := make(chan string, 1)
			p := probeOf(t, scripted(t, "tcp", "127.0.0.1:0", h2says(asked, c.frames...)), c.check)
			p.protocol = proxy.H2C
			finish, err := p.run(t.Context())
			finish()
			switch {
			case c.want == "" && err != nil:
				t.Errorf("failed: %v", err)
			case c.want != "" && (err == nil || err.Error() != c.want):
				t.Errorf("%v, want %s", err, c.want)
			}
			host := p.addr.String()
			want := ":method=GET :scheme=http :authority=" + host + " :path=/up user-agent=anygate-health accept=*/* "
			if c.check.GRPC {
				want = ":method=POST :scheme=http :authority=" + host + " :path=/grpc.health.v1.Health/Check user-agent=anygate-health content-type=application/grpc te=trailers "
			}
			if got := <-asked; got != want {
				t.Errorf("asked %q, want %q", got, want)
			}
		})
	}
}

func TestHealthMessages(t *testing.T) {
	if got, want := healthRequest("a.B"), []byte("\x00\x00\x00\x00\x05\x0a\x03a.B"); !bytes.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if got := healthRequest(""); !bytes.Equal(got, make([]byte, 5)) {
		t.Errorf("%q", got)
	}
	for content, want := range map[string]uint64{
		"\x00\x00\x00\x00\x02\x08\x01":         1,
		"\x00\x00\x00\x00\x00":                 0,
		"\x00\x00\x00\x00\x04\x10\x07\x08\x03": 3,
		"\x01\x00\x00\x00\x02\x08\x01":         0,
		"\x00\x00\x00\x00\x03\x08\x01":         0,
		"\x00\x00\x00\x00\x02\x0a\x01":         0,
		"\x00\x00\x00\x00\x01\x08":             0,
		"":                                     0,
	} {
		if got := healthState([]byte(content)); got != want {
			t.Errorf("%q: %d, want %d", content, got, want)
		}
	}
}
