package http1

import "testing"

func TestHotPathAllocatesNothing(t *testing.T) {
	var (
		req     Request
		resp    Response
		body    Body
		trailer TrailerSection
		out     = make([]byte, 0, 4096)
		lim     = DefaultLimits
		chunked = []byte("5;a=b\r\nhello\r\n0\r\nX: y\r\n\r\n")
		section = []byte("X: y\r\nContent-Length: 1\r\n\r\n")
		reply   = []byte(benchResponse)
		nominal = []byte("GET / HTTP/1.1\r\nHost: a\r\nConnection: te, x-y, close\r\nTE: a\r\nX-Y: 1\r\nExpect: 100-continue\r\n\r\n")
		bad     = []byte("GET / HTTP/1.1\r\nHost: a\r\nX : y\r\n\r\n")
		date    = []byte("Sunday, 06-Nov-94 08:49:37 GMT")
		accept  = []byte("gzip;q=0.5, br")
		sink    error
	)
	tests := []struct {
		name string
		run  func()
	}{
		{"response", func() { resp.Scan(reply, &lim); resp.Content(GET); resp.Get(ETag) }},
		{"request with nominations", func() { req.Scan(nominal, &lim); req.Next(req.First(TE)); req.Find("x-y") }},
		{"refused request", func() { _, err := req.Scan(bad, &lim); sink = err }},
		{"head end", func() { HeadEnd(nominal, 10); Incomplete(nominal, &lim) }},
		{"chunked body", func() {
			body.Reset(BodyChunked, -1, &lim)
			_, n, _, _ := body.Next(chunked)
			body.TrailerPart(chunked[:n])
		}},
		{"trailer section", func() { trailer.Parse(section, &lim) }},
		{"dates", func() { out = AppendDate(out[:0], exampleTime); ParseDate(date); ParseDateAt(date, exampleTime) }},
		{"lists", func() { item, _ := NextItem(accept); Weight(item) }},
		{"serialisation", func() {
			out = AppendStatusLine(out[:0], 200)
			out = AppendRequestLine(out, "GET", accept)
			out = AppendField(out, accept, accept)
			out = AppendField(out, "A", "b")
			out = AppendContentLength(out, 1<<40)
			out = AppendChunkHeader(out, 1<<20)
		}},
	}
	for _, bb := range benchRequests {
		in := []byte(bb.in)
		tests = append(tests, struct {
			name string
			run  func()
		}{"request " + bb.name, func() { req.Scan(in, &lim); req.Content(); req.Get(Cookie) }})
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if n := testing.AllocsPerRun(100, tt.run); n != 0 {
				t.Errorf("%v allocations", n)
			}
		})
	}
	if sink != ErrSpaceBeforeColon {
		t.Errorf("the refused request gives %v", sink)
	}
}
