package h2

import (
	"strings"
	"testing"
)

// Requests as a browser sends them, of which the later ones refer to what is in the table.
func browserRequests(n int) (first, later []byte) {
	enc := newOracleEncoder()
	for i := range n + 1 {
		block := enc.encode(
			":method", "GET", ":scheme", "https", ":authority", "www.example.com", ":path", "/static/app.js",
			"user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
			"accept", "*/*", "accept-language", "en-US,en;q=0.5", "accept-encoding", "gzip, deflate, br, zstd",
			"referer", "https://www.example.com/", "cookie", "session=0123456789abcdef", "sec-fetch-dest", "script",
		)
		f := frameOf(frameHeaders, flagEndHeaders|flagEndStream, uint32(2*i+1), block)
		if i == 0 {
			first = []byte(f)
		} else {
			later = append(later, f...)
		}
	}
	return first, later
}

// renumber gives the frames, all of the same length, the identifiers from id on.
func renumber(b []byte, id uint32) uint32 {
	for len(b) > 0 {
		f := parseFrame(b)
		b[5], b[6], b[7], b[8] = byte(id>>24), byte(id>>16), byte(id>>8), byte(id)
		b = b[FrameHeader+f.left:]
		id += 2
	}
	return id
}

var encodedHead, _ = AppendBlock(nil, &ResponseHead{
	Status: 200, Length: 5, Server: []byte("anygate"), Date: []byte("Mon, 23 Nov 2026 10:41:52 GMT"), Block: []byte("Content-Type: text/plain\r\n"),
})

// serve answers all requests of a receive with a block that is made already.
func (r *rig) serve(p []byte) (requests int) {
	for {
		n := r.c.Next(p, &r.ev)
		p = p[n:]
		switch r.ev.Kind {
		case EventNone:
			return requests
		case EventHead:
			s := r.ev.Stream
			out := r.c.AppendEncoded(r.sc.Out, s, encodedHead, nil, false)
			out = r.c.AppendDataHeader(out, s, 5, true)
			r.sc.Out = append(out, "hello"...)
			r.c.Release(s)
			requests++
		}
	}
}

func TestAllocations(t *testing.T) {
	first, later := browserRequests(32)
	openWindow := []byte(window(0, 32*5))
	upload := []byte(dataOf(0, strings.Repeat("x", 16000)))
	tests := []struct {
		name string
		run  func(r *rig, id *uint32)
	}{
		{"32 requests in a receive", func(r *rig, id *uint32) {
			*id = renumber(later, *id)
			if n := r.serve(later); n != 32 {
				t.Fatalf("%d requests", n)
			}
			r.serve(openWindow)
		}},
		{"requests that are cut in two", func(r *rig, id *uint32) {
			*id = renumber(later, *id)
			r.serve(later[:len(later)-7])
			r.serve(later[len(later)-7:])
			r.serve(openWindow)
		}},
		{"content", func(r *rig, id *uint32) {
			c := r.c
			if c.OpenStreams() == 0 {
				c.Next([]byte(post(*id)), &r.ev)
				renumber(upload, *id)
				*id += 2
			}
			c.Next(upload, &r.ev)
			c.Grant(r.ev.Stream, 16000)
			c.Next(nil, &r.ev)
		}},
		{"a response with trailers, in turn", func(r *rig, id *uint32) {
			c := r.c
			*id = renumber(later[:len(later)/32], *id)
			c.Next(later[:len(later)/32], &r.ev)
			s := r.ev.Stream
			h := &responseHead
			r.sc.Out = c.AppendResponse(r.sc.Out, s, h, false)
			c.Ready(s)
			s = c.NextReady()
			r.sc.Out = c.AppendDataHeader(r.sc.Out, s, 5, false)
			r.sc.Out = c.AppendTrailers(r.sc.Out, s, trailerLines)
			c.Release(s)
			c.Next(openWindow, &r.ev)
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := serving(t, &DefaultConfig)
			r.serve(first)
			id := uint32(3)
			turn := func() {
				tt.run(r, &id)
				r.sc.Out = r.sc.Out[:0]
			}
			for range 100 {
				turn()
			}
			if n := testing.AllocsPerRun(200, turn); n != 0 {
				t.Errorf("%v allocations", n)
			}
		})
	}
}

var (
	responseHead = ResponseHead{
		Status: 200, Length: -1, Server: []byte("anygate"), Date: []byte("Mon, 23 Nov 2026 10:41:52 GMT"), Block: []byte("Content-Type: text/plain\r\n"),
	}
	trailerLines = []byte("grpc-status: 0\r\n")
)

// TestIdleConnection: a connection without streams holds what its tables hold, and no more.
func TestIdleConnection(t *testing.T) {
	first, later := browserRequests(32)
	r := serving(t, &DefaultConfig)
	r.serve(first)
	r.serve(later)
	if len(r.c.table) != smallestTable || r.c.held != nil || r.sc.Streams() != 0 {
		t.Error("something of a stream is left")
	}
}
