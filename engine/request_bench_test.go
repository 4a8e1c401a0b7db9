package engine_test

import (
	"bytes"
	"net"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/anygate/anygate/engine"
	"github.com/anygate/anygate/gateway"
	"github.com/anygate/anygate/http1"
	"github.com/anygate/anygate/route"
)

// The heads that the benchmark sends: a load generator's, a tool's, a browser's.
var benchHeads = []struct{ name, head string }{
	{"wrk", "GET / HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n"},
	{"curl", "GET /index.html HTTP/1.1\r\nHost: www.example.com\r\nUser-Agent: curl/7.88.1\r\nAccept: */*\r\n\r\n"},
	{"browser", "GET /assets/app-5f3c2a1b.js?v=17&lang=en HTTP/1.1\r\n" +
		"Host: www.example.com\r\nConnection: keep-alive\r\n" +
		"sec-ch-ua: \"Chromium\";v=\"126\", \"Not-A.Brand\";v=\"99\"\r\nsec-ch-ua-mobile: ?0\r\n" +
		"User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36\r\n" +
		"sec-ch-ua-platform: \"Linux\"\r\n" +
		"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\n" +
		"Sec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: no-cors\r\nSec-Fetch-Dest: script\r\n" +
		"Referer: https://www.example.com/\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n" +
		"Accept-Language: en-GB,en;q=0.9,de;q=0.8\r\n\r\n"},
}

// BenchmarkRequest is the way of a request with a fixed answer through user
// space: from the completion of its receive to that of its send. ns/req is
// the median over the turns, alone, so that what else runs on the machine
// shows little.
//
// With a warm cache 64 requests come in each turn, and nothing else happens.
// With a cold one they come in fours, and between the turns as many messages
// as a server's go through the kernel's TCP, which leaves little in the near
// caches of code, data and branches.
func BenchmarkRequest(b *testing.B) {
	for _, head := range benchHeads {
		b.Run(head.name+"/warm", func(b *testing.B) { benchRequest(b, head.head, 64, 64, nil) })
		b.Run(head.name+"/cold", func(b *testing.B) { benchRequest(b, head.head, 64, 4, kernelWork(b)) })
	}
	b.Run("wrk/10240", func(b *testing.B) { benchRequest(b, benchHeads[0].head, 10240, 4, kernelWork(b)) })
}

// kernelWork makes a function that sends a request and an answer over a
// loopback connection.
func kernelWork(b *testing.B) func() {
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer lis.Close()
	client, err := net.Dial("tcp", lis.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	server, err := lis.Accept()
	if err != nil {
		b.Fatal(err)
	}
	var fds [2]int
	for i, c := range []net.Conn{client, server} {
		b.Cleanup(func() { c.Close() })
		raw, err := c.(*net.TCPConn).SyscallConn()
		if err == nil {
			err = raw.Control(func(fd uintptr) { fds[i] = int(fd) })
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	message := make([]byte, 128)
	return func() {
		for i := range fds {
			_, _ = unix.Write(fds[i], message)
			_, _ = unix.Read(fds[1-i], message)
		}
	}
}

func benchRequest(b *testing.B, head string, conns, perTurn int, between func()) {
	var current atomic.Pointer[gateway.Generation]
	current.Store(fixedGeneration(b))
	limits := engine.Limits{Connections: conns, SmallBuffers: 16384, LargeBuffers: 256}
	g, err := gateway.New(gateway.Options{Generation: &current, CPU: -1, Limits: limits, Backend: engine.IOUring})
	if err != nil {
		b.Fatal(err)
	}
	stub := engine.NewStub(b, g.Shard(), conns)
	request := []byte(head)
	first := 0
	turns := 0
	times := make([]time.Duration, 1<<15) // of the last turns
	turn := func() {
		for j := range perTurn {
			if between != nil {
				between()
			}
			stub.Receive(j, request)
		}
		start := time.Now()
		stub.Turn(first, perTurn, len(request))
		times[turns%len(times)] = time.Since(start)
		turns++
		first = (first + perTurn) % conns
	}
	turn()
	if out := stub.Output(0); !bytes.HasPrefix(out, []byte("HTTP/1.1 200 OK\r\n")) || !bytes.HasSuffix(out, []byte("\r\n\r\nok")) {
		b.Fatalf("the answer is %q", out)
	}
	for range conns / perTurn {
		turn() // every connection's memory is there
	}
	turns = 0
	b.ReportAllocs()
	for b.Loop() {
		turn()
	}
	times = times[:min(turns, len(times))]
	slices.Sort(times)
	b.ReportMetric(float64(times[len(times)/2].Nanoseconds())/float64(perTurn), "ns/req")
}

func fixedGeneration(tb testing.TB) *gateway.Generation {
	var routes route.Builder
	head, e := route.ParseHead("/*")
	if e != nil {
		tb.Fatal(e)
	}
	routes.Add(head, 0)
	return &gateway.Generation{
		Table: routes.Build(),
		Routes: []gateway.Route{{
			Name: "/*", Action: route.Fixed, Fixed: gateway.NewFixed(200, "text/plain; charset=utf-8", []byte("ok")),
		}},
		Settings: gateway.Settings{
			HTTP: http1.DefaultLimits, Header: 10 * time.Second,
			BodyIdle: 30 * time.Second, Write: 30 * time.Second, MinBody: 1, MinWrite: 1, Idle: 60 * time.Second,
		},
	}
}
