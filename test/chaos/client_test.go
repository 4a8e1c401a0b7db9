package chaos

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// patience is how long a client waits for a response. It is more than all attempts of a request take together.
const patience = 15 * time.Second

// tally is what the clients have seen.
type tally struct {
	began   time.Time
	whole   [3]atomic.Int64 // responses as they should be, by kind
	failed  [3]atomic.Int64 // error responses and broken connections, by kind
	slowest atomic.Int64

	mu      sync.Mutex
	trouble []trouble
	members map[string]int // responses, by the process that they came from
}

// trouble is what must not happen; excusable is what may if every member was down.
type trouble struct {
	what      string
	from, to  time.Time
	excusable bool
}

func newTally() *tally { return &tally{began: time.Now(), members: make(map[string]int)} }

func (a *tally) complain(x trouble) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.trouble = append(a.trouble, x)
}

// load makes so many clients ask, each over a connection that it keeps, until the context ends. The name makes their
// requests differ from those of others.
func (a *tally) load(ctx context.Context, address, name string, clients int, seed uint64) (wait func()) {
	var running sync.WaitGroup
	for n := range clients {
		running.Go(func() {
			c := &client{tally: a, address: address, rand: rand.New(rand.NewPCG(seed, uint64(n)))}
			defer c.hangUp()
			for i := 0; ctx.Err() == nil; i++ {
				k, q := invent(c.rand, fmt.Sprintf("%s-%d-%d", name, n, i))
				c.ask(k, &q)
				time.Sleep(upTo(c.rand, 10*time.Millisecond)) // The pace of a client, which nothing waits for.
			}
		})
	}
	return running.Wait
}

// upTo is a random time below the one given.
func upTo(r *rand.Rand, d time.Duration) time.Duration { return time.Duration(r.Int64N(int64(d))) }

// client is one connection after the other.
type client struct {
	tally   *tally
	address string
	rand    *rand.Rand

	conn net.Conn
	r    *bufio.Reader
}

func (c *client) hangUp() {
	if c.conn != nil {
		_ = c.conn.Close()
		c.conn = nil
	}
}

// ask makes a request and judges what comes back.
func (c *client) ask(k kind, q *request) {
	start := time.Now()
	response, content, err := c.exchange(q)
	end := time.Now()
	if took := int64(end.Sub(start)); took > c.tally.slowest.Load() {
		c.tally.slowest.Store(took)
	}
	complain := func(excusable bool, what string) {
		what = fmt.Sprintf("%s %s (%d bytes), after %s: %s", q.method, q.target, len(q.content), end.Sub(start).Round(time.Millisecond), what)
		c.tally.complain(trouble{what, start, end, excusable})
	}
	whole := err == nil && response.StatusCode == 200
	want := answer(identity(q.method, q.target, q.content), q.size)
	switch {
	case whole && bytes.Equal(content, want):
		c.tally.whole[k].Add(1)
		c.tally.mu.Lock()
		c.tally.members[response.Header.Get("X-Member")]++
		c.tally.mu.Unlock()
	case whole:
		complain(false, fmt.Sprintf("a whole response with the wrong content, %d bytes instead of %d", len(content), len(want)))
	default:
		c.tally.failed[k].Add(1)
		// What has come of a response that breaks off is still a part of the right one.
		if response != nil && response.StatusCode == 200 && !bytes.HasPrefix(want, content) {
			complain(false, fmt.Sprintf("a part of a response with the wrong content, %d bytes", len(content)))
		}
		if k == strict {
			complain(true, outcome(response, err))
		}
	}
	if err != nil || response.Close {
		c.hangUp()
	}
}

func outcome(r *http.Response, err error) string {
	switch {
	case r == nil:
		return fmt.Sprintf("no response: %v", err)
	case err != nil:
		return fmt.Sprintf("status %d, and then: %v", r.StatusCode, err)
	}
	return fmt.Sprintf("status %d", r.StatusCode)
}

// exchange sends a request, and reads as much of the response as comes.
func (c *client) exchange(q *request) (*http.Response, []byte, error) {
	if c.conn == nil {
		conn, err := net.DialTimeout("tcp", c.address, patience)
		if err != nil {
			return nil, nil, err
		}
		c.conn, c.r = conn, bufio.NewReaderSize(conn, 32<<10)
	}
	_ = c.conn.SetDeadline(time.Now().Add(patience))
	head := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: chaos.test\r\n", q.method, q.target)
	if q.method != "GET" {
		head += fmt.Sprintf("Content-Length: %d\r\n", len(q.content))
	}
	// An error response may come before all of the content is sent, and then the rest is not taken: what counts is what
	// there is to read.
	_, sent := c.conn.Write(append([]byte(head+"\r\n"), q.content...))
	response, err := http.ReadResponse(c.r, &http.Request{Method: q.method})
	if err != nil {
		return nil, nil, err
	}
	content, err := io.ReadAll(response.Body)
	if err == nil {
		err = sent
	}
	return response, content, err
}
