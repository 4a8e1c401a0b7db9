package gateway

import (
	"bytes"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/anygate/anygate/engine"
	"github.com/anygate/anygate/proxy"
	"github.com/anygate/anygate/telemetry"
)

// TestSeeds runs a mix of clients, some of which break off, through
// simulations with every fault there is. A response that arrives whole is the
// right one; whatever else happens, nothing is left behind, which the world
// checks at its end.
func TestSeeds(t *testing.T) {
	seeds := uint64(300)
	if testing.Short() {
		seeds = 30
	}
	total, whole := 0, 0
	for seed := range seeds {
		f := engine.Faults{Short: 0.6, Delay: 0.2, Reset: 0.002, NoBufs: 0.1, Cancel: 0.1, Refused: 0.1}
		w := newSimWorld(t, seed, f)
		if seed%3 == 0 {
			w.sealing()
		}
		w.access, w.errors = telemetry.NewRing(1<<16), telemetry.NewRing(1<<16)
		w.settings.AccessLog = LogJSON
		tableWorld(t, w)
		rows := append(h1Table, longHeads()...)
		type asked struct {
			c   *client
			row tableRow
		}
		var all []asked
		for i := range 24 {
			row := rows[(int(seed)*7+i*5)%len(rows)]
			c := w.client()
			in := row.in
			switch i % 8 {
			case 6: // cut off
				c.send(in[:(int(seed)*31+i)%len(in)])
				c.closeWrite()
				continue
			case 7: // reset, later
				c.send(in)
				w.steps(int(seed) % 40)
				c.abort()
				continue
			}
			c.send(in)
			all = append(all, asked{c, row})
			w.steps(i % 3)
		}
		for _, a := range all {
			got := ""
			for n := 0; n < 2000 && !a.c.ended; n++ {
				w.step()
				a.c.pull()
				if got = oneChunk(undated(a.c.got)); len(got) >= len(a.row.out) {
					break
				}
			}
			got = oneChunk(undated(a.c.got))
			total++
			switch {
			case got == a.row.out:
				whole++
			case strings.Contains(got, "HTTP/1.1 502"):
			case a.c.reset || a.c.ended && len(got) < len(a.row.out):
			default:
				t.Errorf("%s (seed %d): received %s, ended %t, want %s", a.row.name, seed, brief(got), a.c.ended, brief(a.row.out))
			}
			a.c.close()
		}
	}
	if whole < total*3/4 {
		t.Errorf("only %d of %d responses came whole", whole, total)
	}
	t.Logf("%d of %d responses came whole", whole, total)
}

// TestStarvedShard runs the table with ever fewer buffers: requests fail, the
// shard does not, and nothing is left. Then, with buffers again, all is well.
func TestStarvedShard(t *testing.T) {
	for _, small := range []int{1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24} {
		for _, large := range []int{0, 1, 3} {
			w := newSimWorld(t, uint64(small), engine.Faults{Short: 0.5})
			w.limits.SmallBuffers, w.limits.LargeBuffers = small, large
			if small%3 == 0 {
				w.sealing()
			}
			w.access, w.settings.AccessLog = telemetry.NewRing(1<<16), LogText
			tableWorld(t, w)
			for i, row := range append(h1Table, longHeads()...) {
				c := w.client()
				c.send(row.in)
				for range 60 {
					w.step()
					if c.over() {
						break
					}
				}
				if i%2 == 0 {
					c.abort()
				} else {
					c.closeWrite()
				}
				if got := oneChunk(undated(c.got)); len(got) == len(row.out) && got != row.out {
					t.Errorf("%s with %d and %d buffers: %s, want %s", row.name, small, large, brief(got), brief(row.out))
				}
			}
		}
	}
}

// TestHoleIsNeverSentAsWhole takes the shard's buffers away while a response
// is relayed: what the client gets is cut off by a reset, and no byte behind
// the hole is sent.
func TestHoleIsNeverSentAsWhole(t *testing.T) {
	for _, framing := range []string{"Content-Length: 40000", "Transfer-Encoding: chunked"} {
		w := newSimWorld(t, 1, engine.Faults{})
		w.limits.SmallBuffers = 64
		u := w.upstream("up", func(*upstreamConn) {})
		w.serve("/p/: http://up/")
		c := w.client()
		c.peer.Window = 0
		c.send("GET /p/" + req + "\r\n")
		w.eventually("the upstream is asked", func() bool { return u.count() == 1 })
		up := u.conns[0]
		content := numbered(40_000)
		send := func(p string) {
			if strings.HasPrefix(framing, "Transfer") {
				p = fmt.Sprintf("%x\r\n%s\r\n", len(p), p)
			}
			up.write(p)
		}
		up.write("HTTP/1.1 200 OK\r\n" + framing + "\r\n\r\n")
		var hoard []engine.Buf
		for i := 0; i < len(content); i += 1500 {
			send(content[i:min(len(content), i+1500)])
			w.steps(2)
			// Buffers run out, and come back at once.
			for i == 6000 {
				b := w.s.Buffer(engine.LargeBuffer)
				if b == 0 {
					break
				}
				hoard = append(hoard, b)
			}
			for i == 6000 {
				b := w.s.Buffer(engine.SmallBuffer)
				if b == 0 {
					w.s.ReleaseBuffer(hoard[len(hoard)-1])
					hoard = hoard[:len(hoard)-1]
					break
				}
				hoard = append(hoard, b)
			}
			if i == 21_000 {
				for _, b := range hoard {
					w.s.ReleaseBuffer(b)
				}
				hoard = nil
			}
		}
		c.peer.Window = -1
		got := string(c.rest())
		if !c.reset {
			t.Errorf("%s: the connection was not reset", framing)
		}
		_, body, _ := strings.Cut(got, "\r\n\r\n")
		plain := body
		if strings.HasPrefix(framing, "Transfer") {
			plain = strings.ReplaceAll(strings.ReplaceAll(body, "\r\n5dc\r\n", ""), "5dc\r\n", "")
		}
		if !strings.HasPrefix(content, strings.TrimSuffix(plain, "\r\n")) {
			t.Errorf("%s: what arrived is not the beginning of the content: %s", framing, brief(body))
		}
	}
}

// TestAllocations counts the allocations of the whole process while a loop
// serves.
func TestAllocations(t *testing.T) {
	rows := []struct{ name, line, content string }{
		{"fixed", "GET /ping", ""},
		{"content nobody reads", "POST /both", "hello"},
		{"redirect", "GET /old/x", ""},
		{"refused", "GET /nowhere", ""},
		{"static from memory", "GET /files/a.txt", ""},
		{"static by reference", "GET /files/middle.bin", ""},
		{"static from a descriptor", "GET /files/large.bin", ""},
		{"HEAD of it", "HEAD /files/large.bin", ""},
		{"proxied", "GET /p/a", ""},
		{"proxied with content", "POST /p/a", "hello"},
		{"proxied within limits", "GET /p/a", ""},
		{"proxied and held", "PUT /p/a", "hello"},
		{"proxied for a trusted peer", "GET /p/a", ""},
		{"fixed, counted", "GET /ping", ""},
		{"refused by a rate", "GET /ping", ""},
		{"refused by a count", "GET /ping", ""},
		{"proxied, counted", "GET /p/a", ""},
		{"fixed, with rules", "GET /ping", ""},
		{"proxied, with rules", "PUT /p/a", "hello"},
		{"refused by a rule", "GET /ping", ""},
		{"fixed, with variables", "GET /ping?q", ""},
		{"static from memory, with variables", "GET /files/a.txt", ""},
		{"proxied, with variables", "PUT /p/a", "hello"},
	}
	for _, logged := range []bool{false, true} {
		for _, row := range rows {
			t.Run(fmt.Sprintf("%s, log %t", row.name, logged), func(t *testing.T) {
				forEachLoop(t, func(t *testing.T, w *world) {
					switch row.name {
					case "proxied within limits":
						w.pooling = limited(proxy.Limits{Connections: 4, Requests: 4, Queue: 4, Wait: time.Minute})
					case "proxied and held":
						w.retry = retrying(2, 503)
					case "proxied for a trusted peer":
						w.trustPeers()
					case "fixed, counted", "proxied, counted":
						w.policies = &Policies{
							Conns:  []Concurrency{byCount(nil, 1000), byCount(perAddress, 1000)},
							Limits: []RateLimit{byRate(nil, 1e9, time.Second, 1e9), byRate(perAddress, 1e9, time.Second, 1e9), byRate(perAgent, 1e9, time.Second, 1e9)},
						}
					case "fixed, with rules", "proxied, with rules":
						w.policies = allRules(t, "test")
					case "refused by a rule":
						w.policies = allRules(t, "another")
					case "fixed, with variables", "static from memory, with variables", "proxied, with variables":
						withVariables(w)
					case "refused by a rate":
						w.policies = &Policies{Limits: []RateLimit{byRate(nil, 1e9, time.Second, 1e9), byRate(perAddress, 1, time.Hour, 1)}}
					case "refused by a count":
						w.policies = &Policies{Conns: []Concurrency{byCount(perAddress, 1000), byCount(nil, 0)}}
					}
					countAllocations(t, w, row.line, row.content, logged)
				})
			})
		}
	}
}

func countAllocations(t *testing.T, w *world, line, content string, logged bool) {
	if logged {
		w.access, w.settings.AccessLog = telemetry.NewRing(1<<16), LogJSON
		w.settings.LogMask = telemetry.NewMask(nil)
		w.spans, w.settings.Trace = telemetry.NewRing(1<<16), &Tracing{Of100000: 50_000}
		w.settings.LogFields = []LogField{NewLogField("cookie"), NewLogField("x-forwarded-for"), NewLogField("x-none")}
	}
	tableWorld(t, w)
	response := []byte("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
	end := []byte("\r\n\r\n")
	w.upstreams["up"].data = func(c *upstreamConn) {
		for {
			i := bytes.Index(c.in, end)
			if i < 0 {
				return
			}
			c.in = c.in[:copy(c.in, c.in[i+4:])]
			_, _ = c.conn.Write(response)
		}
	}
	c := w.client()
	framing := ""
	if content != "" {
		framing = fmt.Sprintf("Content-Length: %d\r\n", len(content))
	}
	method, _, _ := strings.Cut(line, " ")
	request := []byte(line + req + framing + "X-Forwarded-For: 203.0.113.9, 10.0.0.2\r\nUser-Agent: test\r\nReferer: http://h/\r\n\r\n" + content)
	c.send(string(request))
	length := len(c.response(method).content)
	const depth = 16
	batch, in := bytes.Repeat(request, depth), make([]byte, depth*(length+1000))
	round := func() {
		if _, err := c.conn.Write(batch); err != nil {
			t.Fatal(err)
		}
		// A round is over when as many heads have come, and the content of
		// the last one.
		for got := 0; bytes.Count(in[:got], end) < depth || got-bytes.LastIndex(in[:got], end)-len(end) < length; {
			n, err := c.conn.Read(in[got:])
			if err != nil {
				t.Fatalf("read %d bytes: %v", got, err)
			}
			got += n
		}
	}
	requests := 50_000
	switch {
	case testing.Short():
		requests = 2_000
	case length > 100_000:
		requests = 1_000
	case w.upstreams["up"].count() > 0 || length > 10_000:
		requests = 10_000
	}
	for range 50 {
		round()
	}
	_ = c.conn.SetDeadline(time.Now().Add(2 * patience))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range requests / depth {
		round()
	}
	runtime.ReadMemStats(&after)
	n := after.Mallocs - before.Mallocs
	if n > 300 {
		t.Errorf("%d allocations in %d requests", n, requests)
	}
	t.Logf("%d allocations in %d requests", n, requests)
	c.close()
}

// TestClientRecordsAreCacheLines holds the records of clients to their layout:
// what a plain request touches is one line, and each record begins with one.
func TestClientRecordsAreCacheLines(t *testing.T) {
	const line = 64
	var h h1Conn
	if end := unsafe.Offsetof(h.flags) + unsafe.Sizeof(h.flags); end > line {
		t.Errorf("the fields of every request end at %d", end)
	}
	if size := unsafe.Sizeof(h); size%line != 0 {
		t.Errorf("a record has %d bytes", size)
	}
	w := newSimWorld(t, 1, engine.Faults{})
	w.serve("/*: OK ok")
	w.client().send(get("/"))
	w.steps(20)
	if len(w.g.clients) == 0 {
		t.Fatal("no client was accepted")
	}
	for _, block := range w.g.clients {
		if block != nil && uintptr(unsafe.Pointer(block))%line != 0 {
			t.Errorf("a block of records begins at %p", block)
		}
	}
}
