package gateway

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/anygate/anygate/engine"
)

// allFaults is an unkind network.
var allFaults = engine.Faults{Short: 0.4, Delay: 0.3, Reset: 0.0008, NoBufs: 0.1, Cancel: 0.1, Refused: 0.05}

// faultOrigin answers each request with content that only that request can
// have got: its number, a checksum of what it brought, and a pattern made of
// both. The way in which it answers is drawn.
func faultOrigin(rng *rand.Rand) func(c *upstreamConn) {
	return answering(func(c *upstreamConn, r *http.Request, content string) string {
		if c.state != nil {
			return "" // it has ended its side
		}
		id := r.Header.Get("X-Id")
		body := faultBody(id, r.Header.Get("X-Size"), content)
		head := "HTTP/1.1 200 OK\r\nX-Id: " + id + "\r\n"
		switch rng.IntN(16) {
		case 0: // until the end
			c.write(head + "\r\n" + body)
			c.state = true
			c.closeWrite()
			return ""
		case 1: // the last one, with bytes behind it
			return head + fmt.Sprintf("Connection: close\r\nContent-Length: %d\r\n\r\n%s", len(body), body) + "HTTP/1.1 200 OK\r\nX-Id: evil\r\nContent-Length: 4\r\n\r\nevil"
		case 2: // no answer
			c.state = true
			c.closeWrite()
			return ""
		case 3: // a reset
			c.state = true
			c.abort()
			return ""
		case 4: // cut off
			c.write(head + fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(body), body[:len(body)/2]))
			c.state = true
			c.closeWrite()
			return ""
		case 5: // a good one, then the end
			c.write(head + fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(body), body))
			c.state = true
			c.closeWrite()
			return ""
		case 6:
			return "HTTP/1.1 103 Early Hints\r\nX-Id: " + id + "\r\n\r\n" + head + fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(body), body)
		case 7, 8, 9, 10:
			head += "Transfer-Encoding: chunked\r\n\r\n"
			var b strings.Builder
			for rest := body; rest != ""; {
				n := 1 + rng.IntN(len(rest))
				fmt.Fprintf(&b, "%x\r\n%s\r\n", n, rest[:n])
				rest = rest[n:]
			}
			return head + b.String() + "0\r\nX-Sum: " + id + "\r\n\r\n"
		}
		return head + fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(body), body)
	})
}

// faultBody is the content of the answer to a request.
func faultBody(id, size, content string) string {
	n, _ := strconv.Atoi(size)
	unit := fmt.Sprintf("%s:%x;", id, sha256.Sum256([]byte(content)))
	return strings.Repeat(unit, 1+n/len(unit))
}

// faultRequest is a request of a client, and what its answer has to be.
type faultRequest struct {
	id, wire, body string
}

func newFaultRequest(rng *rand.Rand, id string) faultRequest {
	size := strconv.Itoa([]int{0, 100, 5000, 70_000}[rng.IntN(4)])
	content := ""
	if rng.IntN(2) == 0 {
		content = strings.Repeat(id+"!", []int{1, 50, 3000, 12_000}[rng.IntN(4)])
	}
	method := []string{"GET", "POST", "PUT", "DELETE"}[rng.IntN(4)]
	head := fmt.Sprintf("%s /p/%s HTTP/1.1\r\nHost: h\r\nX-Id: %s\r\nX-Size: %s\r\n", method, id, id, size)
	switch {
	case content == "":
		head += "\r\n"
	case rng.IntN(2) == 0:
		head += fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(content), content)
	default:
		k := rng.IntN(len(content))
		head += fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n", len(content)-k, content[:len(content)-k])
		if k > 0 {
			head += fmt.Sprintf("%x\r\n%s\r\n", k, content[len(content)-k:])
		}
		head += "0\r\n\r\n"
	}
	return faultRequest{id: id, wire: head, body: faultBody(id, size, content)}
}

// TestProxyFaults runs clients that pipeline requests through an unkind network
// to unreliable upstreams. Whatever happens, an answer is that of its request
// and whole, or an error, or it is cut off and the connection ends.
func TestProxyFaults(t *testing.T) {
	var whole, failed, cut int
	for seed := range uint64(300) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			w := newSimWorld(t, seed, allFaults)
			rng := rand.New(rand.NewPCG(seed, 1))
			w.settings.Header, w.settings.BodyIdle, w.settings.Write = time.Hour, time.Hour, time.Hour
			w.upstream("a", faultOrigin(rng))
			w.upstream("b", faultOrigin(rng))
			w.serve("/p/: http://a http://b")
			type user struct {
				c        *client
				requests []faultRequest
				unsent   string
			}
			var users []*user
			for k := range 4 {
				u := &user{c: w.client()}
				for i := range 1 + rng.IntN(5) {
					r := newFaultRequest(rng, fmt.Sprintf("%d-%d-%d", seed, k, i))
					u.requests = append(u.requests, r)
					u.unsent += r.wire
				}
				users = append(users, u)
			}
			for _, u := range users {
				u.c.until("all answers have come", func(got []byte) bool {
					for _, v := range users {
						n := min(len(v.unsent), 1+rng.IntN(4000))
						v.c.peer.Write([]byte(v.unsent[:n]))
						v.unsent = v.unsent[n:]
					}
					return checkFaults(t, got, u.requests) == len(u.requests)
				})
				n := checkFaults(t, u.c.got, u.requests)
				if n < len(u.requests) {
					cut++
				}
				failed += bytes.Count(u.c.got, []byte("HTTP/1.1 50"))
				whole += n
			}
		})
	}
	whole -= failed
	t.Logf("%d whole, %d failed, %d connections cut off", whole, failed, cut)
	if whole < 1000 || failed < 100 || cut < 50 {
		t.Errorf("%d whole, %d failed, %d connections cut off: the faults are not what they should be", whole, failed, cut)
	}
}

// checkFaults checks the answers that have come so far, and returns how many of
// them are whole.
func checkFaults(t *testing.T, got []byte, requests []faultRequest) (n int) {
	t.Helper()
	in := bufio.NewReader(bytes.NewReader(got))
	for n < len(requests) {
		q := &requests[n]
		r, err := http.ReadResponse(in, nil)
		if err != nil {
			return n
		}
		body, err := io.ReadAll(r.Body)
		switch {
		case r.StatusCode >= 500 && r.StatusCode < 600 && err == nil:
			n++
			continue
		case r.StatusCode >= 500:
			return n
		case r.Header.Get("X-Id") != q.id:
			t.Fatalf("request %s got the answer to %s", q.id, r.Header.Get("X-Id"))
		case !strings.HasPrefix(q.body, string(body)):
			t.Fatalf("request %s got other content", q.id)
		case r.StatusCode == 103:
			continue
		}
		if err != nil {
			return n
		}
		if len(body) != len(q.body) {
			t.Fatalf("request %s got %d bytes of %d as a whole answer", q.id, len(body), len(q.body))
		}
		if sum := r.Trailer.Get("X-Sum"); sum != "" && sum != q.id {
			t.Fatalf("request %s got the trailer of %s", q.id, sum)
		}
		n++
	}
	if left, _ := io.ReadAll(in); len(left) > 0 {
		t.Fatalf("%d bytes behind the last answer: %s", len(left), brief(string(left)))
	}
	return n
}
