package gateway

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/anygate/anygate/telemetry"
)

// ok is a small response of an origin.
func ok(body string) string {
	return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}

// relayed is what a client gets for ok(body), with Date "D".
func relayed(body string) string {
	return fmt.Sprintf("HTTP/1.1 200 OK\r\nServer: anygate\r\nDate: D\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}

// get is a request that keeps the connection.
func get(path string) string { return "GET " + path + " HTTP/1.1\r\nHost: h\r\n\r\n" }

// always answers every request with the same bytes.
func always(response string) func(c *upstreamConn) {
	return answering(func(*upstreamConn, *http.Request, string) string { return response })
}

// echoing answers with the request's method, target and content.
func echoing() func(c *upstreamConn) {
	return answering(func(_ *upstreamConn, r *http.Request, content string) string {
		return ok(r.Method + " " + r.RequestURI + " " + content)
	})
}

// answers gives the k-th request that an upstream gets, over all of its
// connections, to the k-th function; the last one gets what comes after.
func answers(each ...func(c *upstreamConn, r *http.Request, content string) string) func(c *upstreamConn) {
	k := 0
	return answering(func(c *upstreamConn, r *http.Request, content string) string {
		f := each[min(k, len(each)-1)]
		k++
		return f(c, r, content)
	})
}

// say answers a request with fixed bytes; hangUp closes the connection behind
// them, cutOff resets it.
func say(response string) func(*upstreamConn, *http.Request, string) string {
	return func(*upstreamConn, *http.Request, string) string { return response }
}

func hangUp(response string) func(*upstreamConn, *http.Request, string) string {
	return func(c *upstreamConn, _ *http.Request, _ string) string {
		if response != "" {
			c.write(response)
		}
		c.closeWrite()
		return ""
	}
}

func cutOff() func(*upstreamConn, *http.Request, string) string {
	return func(c *upstreamConn, _ *http.Request, _ string) string {
		c.abort()
		return ""
	}
}

// settled waits until the gateway has taken all that an upstream has sent. On
// a real loop that shows in what follows from it, so there is nothing to do.
func (u *upstream) settled() {
	if u.w.onSim() {
		u.w.eventually("the upstream's bytes are taken", func() bool {
			for _, c := range u.conns {
				if c.peer.Unread() > 0 && !c.peer.Closed {
					return false
				}
			}
			return true
		})
	}
}

// lines is a destination of log lines that tests can read meanwhile.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

// errorLog makes the world log its errors, and returns a function that tells
// what has been logged so far. Call it before serve.
func (w *world) errorLog() func() string {
	w.t.Helper()
	out := &lines{}
	w.errors = telemetry.NewRing(64 << 10)
	log := telemetry.NewWriter(out, nil, w.errors)
	w.t.Cleanup(func() {
		if err := log.Close(patience); err != nil {
			w.t.Error(err)
		}
	})
	return func() string {
		w.do(func() {}) // what the shard has done so far is in the ring
		log.Flush()
		out.mu.Lock()
		defer out.mu.Unlock()
		return out.buf.String()
	}
}

// expectReason checks that one line of the error log has a failure's code, an
// upstream's name and a status.
func expectReason(t testing.TB, log, code, member string, status int) {
	t.Helper()
	n := 0
	for line := range strings.Lines(log) {
		if strings.Contains(line, " reason="+code+" ") && strings.Contains(line, " upstream="+member+" ") && strings.Contains(line, fmt.Sprintf(" status=%d ", status)) {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d lines say reason=%s upstream=%s status=%d in the log\n%s", n, code, member, status, log)
	}
}

// decode reads responses as an independent client does, and writes them in one
// form, whatever their framing and the order of their fields. It returns
// what does not make a whole response.
func decode(b []byte, methods ...string) (responses []string, rest string) {
	buf := bufio.NewReader(bytes.NewReader(b))
	for _, method := range methods {
		for {
			r, err := http.ReadResponse(buf, &http.Request{Method: method})
			if err != nil {
				return responses, err.Error()
			}
			body, err := io.ReadAll(r.Body)
			var out strings.Builder
			fmt.Fprintf(&out, "%d", r.StatusCode)
			r.Header.Del("Date")
			r.Header.Del("Content-Length")
			names := []string{}
			for name, values := range r.Header {
				names = append(names, name+"="+strings.Join(values, ","))
			}
			for name, values := range r.Trailer {
				names = append(names, "trailer "+name+"="+strings.Join(values, ","))
			}
			slices.Sort(names)
			fmt.Fprintf(&out, " %s %q", strings.Join(names, " "), body)
			if err != nil {
				return append(responses, out.String()+" "+err.Error()), "cut off"
			}
			responses = append(responses, out.String())
			if r.StatusCode >= 200 {
				break
			}
		}
	}
	left, _ := io.ReadAll(buf)
	return responses, string(left)
}

// waitFor waits for a condition that no shard takes part in.
func (w *world) waitFor(what string, f func() bool) {
	w.t.Helper()
	begin := time.Now()
	for n := 0; !f(); n++ {
		if w.onSim() {
			if n > turns {
				w.t.Fatalf("%d turns in vain until %s (seed %d)", n, what, w.seed)
			}
			w.step()
			continue
		}
		if time.Since(begin) > patience {
			w.t.Fatalf("waited in vain until %s", what)
		}
		time.Sleep(time.Millisecond)
	}
}

// waitEnded waits until the gateway has ended its k-th connection to the
// upstream.
func (u *upstream) waitEnded(k int) {
	u.w.t.Helper()
	u.w.waitFor("the connection to the upstream ends", func() (ended bool) {
		u.locked(func() { ended = len(u.conns) > k && u.conns[k].eof })
		return ended
	})
}
