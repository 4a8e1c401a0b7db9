package health

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/anygate/anygate/engine"
)

// hold keeps a connection open until the other side has closed it.
func hold(c net.Conn) { _, _ = io.Copy(io.Discard, c) }

// head reads a request up to its empty line.
func head(c net.Conn) string {
	var b strings.Builder
	r := bufio.NewReader(c)
	for {
		line, err := r.ReadString('\n')
		b.WriteString(line)
		if err != nil || line == "\r\n" {
			return b.String()
		}
	}
}

// says answers a request with these bytes, and then holds or closes the connection.
func says(octets string, then func(net.Conn)) func(net.Conn) {
	return func(c net.Conn) {
		head(c)
		_, _ = io.WriteString(c, octets)
		then(c)
	}
}

func end(net.Conn) {}

func probeOf(t *testing.T, address string, c *Check) *probe {
	t.Helper()
	_, members := pool(t, 1, address)
	return &probe{check: c.withDefaults(), addr: members[0].Addr, dial: new(net.Dialer).DialContext}
}

func TestProbeOutcomes(t *testing.T) {
	const patient = 10 * time.Second
	for _, c := range []struct {
		name    string
		serve   func(net.Conn)
		timeout time.Duration
		want    string // the error, none if it passes
	}{
		{"passes", says(response(200, "fine"), end), patient, ""},
		{"no content", says("HTTP/1.1 204 No Content\r\n\r\n", hold), patient, ""},
		{"HTTP/1.0", says("HTTP/1.0 200 OK\r\n\r\nfine", end), patient, ""},
		{"a length, and held open", says(response(200, "fine"), hold), patient, ""},
		{"content that is late", says("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nfine", hold), time.Second, ""},
		{"chunked, and never ending", says("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfine\r\n", hold), time.Second, ""},
		{"a redirect is not followed", says("HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n", end), patient, ""},
		{"interim responses", says("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n"+response(200, ""), end), patient, ""},
		{"a wrong status", says(response(503, "down"), end), patient, "status 503"},
		{"a wrong status behind interim ones", says("HTTP/1.1 103 Early Hints\r\n\r\n"+response(404, ""), end), patient, "status 404"},
		{"too many interim responses", says(strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 17)+response(200, ""), end), patient, "more than 16 interim responses"},
		{"an upgrade nobody asked for", says("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", end), patient, "status 101"},
		{"closed at once", func(c net.Conn) { head(c) }, patient, "the connection ended before a response"},
		{"closed in the middle of the head", says("HTTP/1.1 200 OK\r\nContent-", end), patient, "the connection ended before a response"},
		{"reset", func(c net.Conn) { head(c); _ = c.(*net.TCPConn).SetLinger(0) }, patient, "connection reset by peer"},
		{"hangs", hold, 100 * time.Millisecond, "no answer within 100ms"},
		{"hangs in the middle of the head", says("HTTP/1.1 200 OK\r\nContent-", hold), 100 * time.Millisecond, "no answer within 100ms"},
		{"drips", func(c net.Conn) {
			head(c)
			for _, b := range []byte("HTTP/1.1 200 OK\r\nX-Long: " + strings.Repeat("x", 1000)) {
				if _, err := c.Write([]byte{b}); err != nil {
					return
				}
				time.Sleep(10 * time.Millisecond) // The pace is what is tested.
			}
		}, 200 * time.Millisecond, "no answer within 200ms"},
		{"a head without an end", func(c net.Conn) {
			head(c)
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n")
			for {
				if _, err := io.WriteString(c, "X: "+strings.Repeat("x", 1000)+"\r\n"); err != nil {
					return
				}
			}
		}, patient, "not an HTTP response: head_too_large"},
		{"another protocol", func(c net.Conn) { _, _ = io.WriteString(c, "SSH-2.0-OpenSSH_9.2\r\n"); hold(c) }, patient, "not an HTTP response: bad_status_line"},
		{"both framings", says("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", end), patient, "not an HTTP response: framing_conflict"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := probeOf(t, scripted(t, "tcp", "127.0.0.1:0", c.serve), &Check{Timeout: c.timeout})
			finish, err := p.run(t.Context())
			finish()
			switch {
			case c.want == "" && err != nil:
				t.Errorf("failed: %v", err)
			case c.want != "" && (err == nil || err.Error() != c.want):
				t.Errorf("%v, want %s", err, c.want)
			}
		})
	}
}

func TestProbeReadsHugeContentInPart(t *testing.T) {
	written := make(chan int, 1)
	serve := func(c net.Conn) {
		head(c)
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n")
		n := 0
		for block := make([]byte, 64<<10); ; {
			m, err := c.Write(block)
			if n += m; err != nil {
				written <- n
				return
			}
		}
	}
	p := probeOf(t, scripted(t, "tcp", "127.0.0.1:0", serve), &Check{Timeout: 10 * time.Second})
	finish, err := p.run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	finish()
	// The rest is what sockets hold.
	if n := <-written; n > 32<<20 {
		t.Errorf("%d bytes were taken", n)
	}
}

func TestProbeNotConnected(t *testing.T) {
	p := probeOf(t, free(t), &Check{})
	finish, err := p.run(t.Context())
	finish()
	if err == nil || err.Error() != "connection refused" {
		t.Errorf("nobody listens: %v", err)
	}
	p = probeOf(t, filepath.Join(t.TempDir(), "none.sock"), &Check{})
	if _, err := p.run(t.Context()); err == nil || err.Error() != "no such file or directory" {
		t.Errorf("no socket: %v", err)
	}
	p = probeOf(t, free(t), &Check{Timeout: 50 * time.Millisecond})
	p.dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if _, err := p.run(t.Context()); err == nil || err.Error() != "not connected within 50ms" {
		t.Errorf("no answer to the connection: %v", err)
	}
}

// What this side lacks is not held against a member.
func TestProbeOwnFaults(t *testing.T) {
	p := probeOf(t, free(t), &Check{})
	for _, errno := range []syscall.Errno{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.EADDRNOTAVAIL} {
		p.dial = func(context.Context, string, string) (net.Conn, error) {
			return nil, &net.OpError{Op: "dial", Err: errno}
		}
		var own ownFault
		if _, err := p.run(t.Context()); !errors.As(err, &own) {
			t.Errorf("%v is the member's", errno)
		}
	}
	// A process that was stopped finds its deadlines past.
	p.check.Timeout = time.Millisecond
	p.dial = func(context.Context, string, string) (net.Conn, error) {
		time.Sleep(lateness + 10*time.Millisecond) // Being late is what is tested.
		return nil, syscall.ECONNREFUSED
	}
	var own ownFault
	if _, err := p.run(t.Context()); !errors.As(err, &own) || !strings.HasPrefix(err.Error(), "looked at ") {
		t.Errorf("late: %v", err)
	}
}

func TestProbeEndsWithTheProcess(t *testing.T) {
	asked := make(chan struct{})
	p := probeOf(t, scripted(t, "tcp", "127.0.0.1:0", func(c net.Conn) { head(c); close(asked); hold(c) }), &Check{Timeout: time.Hour})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-asked; cancel() }()
	finish, err := p.run(ctx)
	finish()
	if err == nil {
		t.Error("passed")
	}
}

func TestProbeRequest(t *testing.T) {
	const rest = "User-Agent: anygate-health\r\nAccept: */*\r\nConnection: close\r\n\r\n"
	for _, c := range []struct {
		name     string
		address  string
		check    Check
		preamble uint8
		want     string
	}{
		{"plain", "127.0.0.1:80", Check{}, 0, "GET / HTTP/1.1\r\nHost: 127.0.0.1:80\r\n" + rest},
		{"path and host", "127.0.0.1:80", Check{Path: "/health?full", Host: "api.example"}, 0, "GET /health?full HTTP/1.1\r\nHost: api.example\r\n" + rest},
		{"IPv6", "[::1]:80", Check{}, 0, "GET / HTTP/1.1\r\nHost: [::1]:80\r\n" + rest},
		{"IPv6 with a zone", "[fe80::1%lo]:80", Check{}, 0, "GET / HTTP/1.1\r\nHost: [fe80::1]:80\r\n" + rest},
		{"unix", "/run/app.sock", Check{}, 0, "GET / HTTP/1.1\r\nHost: localhost\r\n" + rest},
		{"PROXY 1", "127.0.0.1:80", Check{}, 1, "PROXY UNKNOWN\r\nGET / HTTP/1.1\r\nHost: 127.0.0.1:80\r\n" + rest},
		{"PROXY 2", "127.0.0.1:80", Check{}, 2, "\r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00GET / HTTP/1.1\r\nHost: 127.0.0.1:80\r\n" + rest},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := probeOf(t, c.address, &c.check)
			p.preamble = c.preamble
			if got := string(p.request()); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

func TestProbeUnixSockets(t *testing.T) {
	path := filepath.Join(t.TempDir(), "app.sock")
	scripted(t, "unix", path, says(response(200, ""), end))
	p := probeOf(t, path, &Check{})
	finish, err := p.run(t.Context())
	finish()
	if err != nil {
		t.Error(err)
	}

	abstract := "@anygate-health-" + filepath.Base(t.TempDir()) + time.Now().Format("150405.000000000")
	scripted(t, "unix", abstract, says(response(200, ""), end))
	if p.addr, err = engine.UnixAddr(abstract); err != nil {
		t.Fatal(err)
	}
	finish, err = p.run(t.Context())
	finish()
	if err != nil {
		t.Errorf("abstract: %v", err)
	}
}
