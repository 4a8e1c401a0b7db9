package wire

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// patience bounds every wait for the server.
const patience = 20 * time.Second

// Conn is a connection to the server.
type Conn struct {
	net.Conn
	t testing.TB
	r *bufio.Reader
}

// Dial connects; the connection is closed when the test ends.
func Dial(t testing.TB, address string) *Conn {
	t.Helper()
	network := "tcp"
	if path, ok := strings.CutPrefix(address, "unix:"); ok {
		network, address = "unix", path
	}
	c, err := net.DialTimeout(network, address, patience)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return New(t, c)
}

// New wraps an established connection.
func New(t testing.TB, c net.Conn) *Conn {
	w := &Conn{Conn: c, t: t, r: bufio.NewReader(c)}
	w.wait()
	return w
}

// wait begins a wait. How many there are in the life of a connection, and so how long that is, is the test's.
func (c *Conn) wait() { _ = c.SetDeadline(time.Now().Add(patience)) }

// Send writes octets.
func (c *Conn) Send(s string) {
	c.t.Helper()
	c.wait()
	if _, err := io.WriteString(c.Conn, s); err != nil {
		c.t.Fatalf("sending %q: %v", clip(s), err)
	}
}

// TrySend writes octets to a peer that may have closed already.
func (c *Conn) TrySend(s string) error {
	_, err := io.WriteString(c.Conn, s)
	return err
}

// Response is a response with its content read.
type Response struct {
	*http.Response
	Body string
}

// Next reads the next response to a request of the method.
func (c *Conn) Next(method string) (*Response, error) {
	c.wait()
	r, err := http.ReadResponse(c.r, &http.Request{Method: method})
	if err != nil {
		return nil, err
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	return &Response{Response: r, Body: string(body)}, err
}

// Read reads the next response and expects a status.
func (c *Conn) Read(method string, status int) *Response {
	c.t.Helper()
	r, err := c.Next(method)
	if err != nil {
		c.t.Fatalf("reading a response: %v", err)
	}
	if r.StatusCode != status {
		c.t.Fatalf("status %d, want %d; body %q", r.StatusCode, status, clip(r.Body))
	}
	return r
}

// Get sends a GET on a connection that stays open and expects a status.
func (c *Conn) Get(path string, status int) *Response {
	c.t.Helper()
	c.Send("GET " + path + " HTTP/1.1\r\nHost: test\r\n\r\n")
	return c.Read("GET", status)
}

// Ending is how a connection ended.
type Ending int

// The endings.
const (
	Closed    Ending = iota // in order, by FIN
	Reset                   // by RST
	StillOpen               // not within the time
)

func (e Ending) String() string { return [...]string{"closed", "reset", "still open"}[e] }

// Rest reads until the connection ends, or for the given time.
func (c *Conn) Rest(wait time.Duration) (string, Ending) {
	c.t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(wait))
	b, err := io.ReadAll(c.r)
	switch {
	case err == nil:
		return string(b), Closed
	case errors.Is(err, syscall.ECONNRESET):
		return string(b), Reset
	case errors.Is(err, os.ErrDeadlineExceeded):
		return string(b), StillOpen
	}
	c.t.Fatalf("reading to the end: %v", err)
	return "", Reset
}

// ExpectClosed expects that nothing more comes and the server closes.
func (c *Conn) ExpectClosed() {
	c.t.Helper()
	if rest, ending := c.Rest(patience); ending != Closed || rest != "" {
		c.t.Errorf("connection %s, with %q; want it closed, without more", ending, clip(rest))
	}
}

// Begun waits for the first octet of a response, and reports whether there was one before the connection ended.
func (c *Conn) Begun() bool {
	c.wait()
	_, err := c.r.Peek(1)
	return err == nil
}

// Silent reports whether the server sends nothing for the given time, and keeps the connection.
func (c *Conn) Silent(wait time.Duration) bool {
	_ = c.SetReadDeadline(time.Now().Add(wait))
	_, err := c.r.Peek(1)
	_ = c.SetReadDeadline(time.Now().Add(patience))
	return errors.Is(err, os.ErrDeadlineExceeded)
}

// CloseWrite ends the client's side only.
func (c *Conn) CloseWrite() {
	c.t.Helper()
	half, ok := c.Conn.(interface{ CloseWrite() error })
	if !ok {
		c.t.Fatalf("a %T cannot be closed on one side", c.Conn)
	}
	if err := half.CloseWrite(); err != nil {
		c.t.Fatal(err)
	}
}

func clip(s string) string {
	if len(s) > 300 {
		return s[:300] + "..."
	}
	return s
}
