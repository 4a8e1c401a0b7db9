package engine

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anygate/anygate/uring"
)

// The behavioural suite runs every test on both loops over loopback sockets.
// ANYGATE_TEST_ENGINES=epoll (or io_uring) restricts it; without that, a
// kernel that has no io_uring fails the suite rather than passing half of it.

// patience bounds every wait of the suite; nothing waits that long unless it
// is broken.
const patience = 20 * time.Second

var engines []Kind

func TestMain(m *testing.M) {
	if kind := os.Getenv(childVariable); kind != "" {
		serveWithFewDescriptors(kind)
		return
	}
	for _, name := range strings.Split(engineNames(), ",") {
		switch name = strings.TrimSpace(name); name {
		case IOUring.String():
			engines = append(engines, IOUring)
		case Epoll.String():
			engines = append(engines, Epoll)
		default:
			fmt.Fprintf(os.Stderr, "ANYGATE_TEST_ENGINES names %q, which is no engine\n", name)
			os.Exit(2)
		}
	}
	fmt.Fprintf(os.Stderr, "engine: the behavioural suite runs on %v\n", engines)
	// The Go network poller opens its own descriptors once; they are no leak.
	if l, err := net.Listen("tcp", "127.0.0.1:0"); err == nil {
		_ = l.Close()
	}
	os.Exit(m.Run())
}

func engineNames() string {
	if v := os.Getenv("ANYGATE_TEST_ENGINES"); v != "" {
		return v
	}
	return "io_uring,epoll"
}

// onBoth runs a test on each real loop.
func onBoth(t *testing.T, test func(t *testing.T, kind Kind)) {
	for _, kind := range engines {
		t.Run(kind.String(), func(t *testing.T) { test(t, kind) })
	}
}

// rig is a running shard under test.
type rig struct {
	t    *testing.T
	s    *Shard
	addr netip.AddrPort // where it listens
	lis  int32
	done chan struct{}
	base Stats // of the shard at rest
	fds  int   // of the process before it; -1 does not count them
	gone bool
}

// fdCount is how many descriptors the process has open.
func fdCount(t *testing.T) int {
	t.Helper()
	names, err := filepath.Glob("/proc/self/fd/*")
	if err != nil || len(names) == 0 {
		t.Fatalf("counting descriptors: %v", err)
	}
	return len(names)
}

// start runs a shard with one listener on the loopback.
func start(t *testing.T, kind Kind, limits Limits, h Handler) *rig {
	t.Helper()
	r := &rig{t: t, fds: fdCount(t)}
	fd, err := Listen(netip.MustParseAddrPort("127.0.0.1:0"))
	if err != nil {
		t.Fatal(err)
	}
	r.lis = fd
	if r.addr, err = LocalAddr(fd); err != nil {
		t.Fatal(err)
	}
	r.run(kind, limits, h)
	return r
}

// run starts the shard on the listener r.lis and lets the test call do.
func (r *rig) run(kind Kind, limits Limits, h Handler) {
	r.t.Helper()
	messages := h.Message
	h.Message = func(m Message) {
		if f, ok := m.Value.(func()); ok {
			f()
		} else if messages != nil {
			messages(m)
		}
	}
	s, err := New(Config{CPU: -1, Limits: limits, Backend: kind}, h)
	if err != nil {
		r.t.Fatal(err)
	}
	r.s, r.done = s, make(chan struct{})
	s.AddListener(r.lis, 7)
	ready := make(chan error, 1)
	go func() {
		defer close(r.done)
		s.Run(func(err error) { ready <- err })
	}()
	if err := <-ready; err != nil {
		if kind == IOUring {
			cause, cure := uring.Explain(err)
			r.t.Fatalf("no io_uring: %v: %s; %s", err, cause, cure)
		}
		r.t.Fatal(err)
	}
	r.do(func() { r.base = s.Stats() })
	r.t.Cleanup(r.stop)
}

// do runs f on the shard's thread and waits for it.
func (r *rig) do(f func()) {
	r.t.Helper()
	done := make(chan struct{})
	for !r.s.Post(Message{Value: func() { f(); close(done) }}) {
	}
	select {
	case <-done:
	case <-time.After(patience):
		r.t.Fatal("the shard does not take messages")
	}
}

// eventually waits until what f says on the shard's thread is true. Each
// round trip is a turn of the shard.
func (r *rig) eventually(what string, f func() bool) {
	r.t.Helper()
	r.within(patience, what, f)
}

func (r *rig) within(d time.Duration, what string, f func() bool) {
	r.t.Helper()
	for begin := time.Now(); ; {
		ok := false
		r.do(func() { ok = f() })
		if ok {
			return
		}
		if time.Since(begin) > d {
			var st Stats
			r.do(func() { st = r.s.Stats() })
			r.t.Fatalf("waited %v in vain until %s; %+v", d, what, st)
		}
	}
}

// stop ends what is still open, and checks that nothing was leaked.
func (r *rig) stop() {
	if r.gone {
		return
	}
	r.gone = true
	r.do(func() {
		r.s.CloseListeners()
		r.s.Each(func(c Conn) { r.s.Abort(c) })
	})
	r.eventually("no connection is left", func() bool { return r.s.Stats().Open == 0 })
	r.do(func() {
		st := r.s.Stats()
		if st.SmallInUse > r.base.SmallInUse || st.LargeInUse > r.base.LargeInUse {
			r.t.Errorf("buffers leaked: %d small and %d large in use, %d and %d at rest", st.SmallInUse, st.LargeInUse, r.base.SmallInUse, r.base.LargeInUse)
		}
		if st.TimersQueued != 0 || st.Clients != 0 {
			r.t.Errorf("%d timers and %d clients left", st.TimersQueued, st.Clients)
		}
		r.s.Stop()
	})
	select {
	case <-r.done:
	case <-time.After(patience):
		r.t.Fatal("the shard does not stop")
	}
	if n := fdCount(r.t); r.fds >= 0 && n != r.fds {
		r.t.Errorf("%d descriptors open, %d before the test", n, r.fds)
	}
}

// client connects to the shard.
func (r *rig) client() *net.TCPConn { return dialTCP(r.t, r.addr) }

func dialTCP(t *testing.T, addr netip.AddrPort) *net.TCPConn {
	t.Helper()
	c, err := net.DialTimeout("tcp", addr.String(), patience)
	if err != nil {
		t.Fatal(err)
	}
	wait(c)
	t.Cleanup(func() { _ = c.Close() })
	return c.(*net.TCPConn)
}

// sink is a server of the Go standard library.
func sink(t *testing.T, network, addr string, serve func(net.Conn)) net.Addr {
	t.Helper()
	l, err := net.Listen(network, addr)
	if err != nil {
		t.Fatal(err)
	}
	var current atomic.Pointer[net.Conn]
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			current.Store(&c)
			_ = c.SetDeadline(time.Now().Add(patience))
			serve(c)
			_ = c.Close()
		}
	}()
	t.Cleanup(func() {
		_ = l.Close()
		if c := current.Load(); c != nil {
			_ = (*c).Close()
		}
		<-done
	})
	return l.Addr()
}

// wait begins a wait for a peer. How many there are in the life of a connection
// is the test's, and how long each is the machine's.
func wait(c any) {
	if c, ok := c.(interface{ SetDeadline(t time.Time) error }); ok {
		_ = c.SetDeadline(time.Now().Add(patience))
	}
}

func send(t *testing.T, c net.Conn, p []byte) {
	t.Helper()
	wait(c)
	if _, err := c.Write(p); err != nil {
		t.Fatalf("write: %v", err)
	}
}

// expect reads exactly want.
func expect(t *testing.T, c io.Reader, want []byte) {
	t.Helper()
	wait(c)
	got := make([]byte, len(want))
	n, err := io.ReadFull(c, got)
	if err != nil {
		t.Fatalf("read %d of %d bytes: %v", n, len(want), err)
	}
	if !bytes.Equal(got, want) {
		t.Fatalf("read %s, want %s", brief(got), brief(want))
	}
}

// expectEnd reads the end of the stream.
func expectEnd(t *testing.T, c io.Reader) {
	t.Helper()
	wait(c)
	var b [64]byte
	if n, err := c.Read(b[:]); n != 0 || !errors.Is(err, io.EOF) {
		t.Fatalf("read %q, %v, want the end of the stream", b[:n], err)
	}
}

func brief(b []byte) string {
	if len(b) <= 80 {
		return fmt.Sprintf("%q", b)
	}
	return fmt.Sprintf("%q... (%d bytes)", b[:80], len(b))
}

// receive takes from a channel that the shard's thread sends to.
func receive[T any](t *testing.T, ch <-chan T) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(patience):
		t.Fatal("what the test waits for did not happen")
		panic("unreachable")
	}
}

// tokens checks that every release token comes back exactly once.
type tokens struct {
	given, back int
	seen        map[uint32]bool
}

func (k *tokens) next() uint32 {
	k.given++
	return uint32(k.given)
}

func (k *tokens) released(t testing.TB) func(uint32) {
	k.seen = map[uint32]bool{}
	return func(token uint32) {
		if k.seen[token] || token == 0 || int(token) > k.given {
			t.Errorf("token %d came back twice, or was never given", token)
		}
		k.seen[token] = true
		k.back++
	}
}
