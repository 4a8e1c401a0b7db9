package origin

import (
	"crypto/tls"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Server is a running upstream.
type Server struct {
	// Addr is HOST:PORT, or unix:PATH as the product's configuration has it.
	Addr string

	http        http.Server
	connections atomic.Int64
	sent        atomic.Int64
	release     chan struct{}
	arrived     chan struct{}
	abandoned   chan struct{}
	releaseOnce sync.Once
}

// Seen is a request as the upstream got it.
type Seen struct {
	Method  string
	Target  string // as written in the request line
	Host    string
	Proto   string
	Header  http.Header
	Trailer http.Header
	Length  int64 // -1 if it came chunked
	Body    string
}

// Start serves on a free port of the loopback interface.
func Start(t testing.TB) *Server { return StartOn(t, "127.0.0.1:0") }

// StartTLS serves over TLS, HTTP/1.1 and HTTP/2 as the client asks by ALPN.
func StartTLS(t testing.TB, c *tls.Certificate) *Server {
	t.Helper()
	return start(t, "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{*c}, NextProtos: []string{"h2", "http/1.1"}})
}

// StartOn serves on HOST:PORT or unix:PATH.
func StartOn(t testing.TB, address string) *Server {
	t.Helper()
	return start(t, address, nil)
}

func start(t testing.TB, address string, secure *tls.Config) *Server {
	t.Helper()
	network, where := "tcp", address
	if path, ok := strings.CutPrefix(address, "unix:"); ok {
		network, where = "unix", path
	}
	l, err := net.Listen(network, where)
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{Addr: address, release: make(chan struct{}), arrived: make(chan struct{}, 1024), abandoned: make(chan struct{}, 1024)}
	if network == "tcp" {
		s.Addr = l.Addr().String()
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/", s.see)
	mux.HandleFunc("/status/{code}", s.status)
	mux.HandleFunc("/hold", s.hold)
	mux.HandleFunc("/drip", s.drip)
	mux.HandleFunc("/trailers", s.trailers)
	mux.HandleFunc("/hints", s.hints)
	mux.HandleFunc("/pattern/{size}", s.pattern)
	mux.HandleFunc("/check", s.check)
	mux.HandleFunc("/socket", s.socket)
	s.http.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if path.Clean(r.URL.EscapedPath()) != r.URL.EscapedPath() {
			s.see(w, r) // The mux would redirect to its own spelling.
			return
		}
		mux.ServeHTTP(w, r)
	})
	// Of HTTP/2 in cleartext it takes what begins with the preface.
	s.http.Protocols = new(http.Protocols)
	s.http.Protocols.SetHTTP1(true)
	s.http.Protocols.SetUnencryptedHTTP2(true)
	if secure != nil {
		s.http.Protocols.SetHTTP2(true)
		l = tls.NewListener(l, secure)
	}
	s.http.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			s.connections.Add(1)
		}
	}
	done := make(chan struct{})
	go func() {
		_ = s.http.Serve(l) // Ends with Stop; what fails before shows in the test.
		close(done)
	}()
	t.Cleanup(func() {
		s.Kill()
		s.Release()
		<-done
	})
	return s
}

// Kill ends the upstream at once, with all its connections, as a crash does.
func (s *Server) Kill() { _ = s.http.Close() }

// Connections is how many connections were accepted so far.
func (s *Server) Connections() int64 { return s.connections.Load() }

// see answers with what was asked.
func (s *Server) see(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Origin", "yes")
	_ = json.NewEncoder(w).Encode(Seen{
		Method: r.Method, Target: r.RequestURI, Host: r.Host, Proto: r.Proto,
		Header: r.Header, Trailer: r.Trailer, Length: r.ContentLength, Body: string(body),
	})
}

// status answers with a status and says nothing more than it has to.
func (s *Server) status(w http.ResponseWriter, r *http.Request) {
	code, err := strconv.Atoi(r.PathValue("code"))
	if err != nil {
		code = http.StatusBadRequest
	}
	w.WriteHeader(code)
}

// hold answers when Release is called: first the head and half of the content, if the query asks for it, then the rest.
func (s *Server) hold(w http.ResponseWriter, r *http.Request) {
	if r.URL.Query().Has("begin") {
		_, _ = io.WriteString(w, "begun ")
		_ = http.NewResponseController(w).Flush()
	}
	s.arrived <- struct{}{}
	select {
	case <-s.release:
		_, _ = io.WriteString(w, "released")
	case <-r.Context().Done():
		s.abandoned <- struct{}{}
	}
}

// Arrived waits for a request to /hold.
func (s *Server) Arrived(t testing.TB) {
	t.Helper()
	await(t, s.arrived, "the request has not reached the upstream")
}

// Abandoned waits until n requests to /hold were given up by those who asked.
func (s *Server) Abandoned(t testing.TB, n int) {
	t.Helper()
	for range n {
		await(t, s.abandoned, "the upstream still works for a client that has gone")
	}
}

func await(t testing.TB, c <-chan struct{}, otherwise string) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(20 * time.Second):
		t.Fatal(otherwise)
	}
}

// Release lets all requests to /hold go on, now and later.
func (s *Server) Release() { s.releaseOnce.Do(func() { close(s.release) }) }

// drip sends content in parts of one octet, each flushed.
func (s *Server) drip(w http.ResponseWriter, _ *http.Request) {
	flush := http.NewResponseController(w)
	for _, b := range []byte("drop by drop") {
		_, _ = w.Write([]byte{b})
		_ = flush.Flush()
	}
}

// trailers sends a trailer section.
func (s *Server) trailers(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Trailer", "X-Checksum")
	_, _ = io.WriteString(w, "content")
	_ = http.NewResponseController(w).Flush()
	w.Header().Set("X-Checksum", "abc123")
}

// hints sends 103 (Early Hints) before its response (RFC 8297).
func (s *Server) hints(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Link", "</style.css>; rel=preload")
	w.WriteHeader(http.StatusEarlyHints)
	_, _ = io.WriteString(w, "after hints")
}

// pattern sends as many octets of the Pattern as the path says.
func (s *Server) pattern(w http.ResponseWriter, r *http.Request) {
	size, err := strconv.ParseInt(r.PathValue("size"), 10, 64)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Length", strconv.FormatInt(size, 10))
	_, _ = io.CopyBuffer(counted{w, &s.sent}, NewPattern(size), make([]byte, 64<<10))
}

// counted counts what was written, which is what the kernel has taken, but for a small buffer.
type counted struct {
	io.Writer
	sent *atomic.Int64
}

func (c counted) Write(p []byte) (int, error) {
	n, err := c.Writer.Write(p)
	c.sent.Add(int64(n))
	return n, err
}

// Sent is how many octets of the Pattern were written so far.
func (s *Server) Sent() int64 { return s.sent.Load() }

// Quiet waits until nothing of the Pattern was written for a while, because nobody takes it.
func (s *Server) Quiet(t testing.TB) {
	t.Helper()
	const while = 300 * time.Millisecond
	last, since := s.Sent(), time.Now()
	for deadline := since.Add(20 * time.Second); time.Since(since) < while; time.Sleep(while / 20) {
		if now := s.Sent(); now != last {
			last, since = now, time.Now()
		}
		if time.Now().After(deadline) {
			t.Fatal("the upstream sends on and on")
		}
	}
}

// check compares content with the Pattern and answers with its length.
func (s *Server) check(w http.ResponseWriter, r *http.Request) {
	var c Checker
	if _, err := io.Copy(&c, r.Body); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	_, _ = io.WriteString(w, strconv.FormatInt(c.Length(), 10))
}
