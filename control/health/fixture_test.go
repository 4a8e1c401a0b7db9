package health

import (
	"fmt"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/anygate/anygate/engine"
	"github.com/anygate/anygate/proxy"
)

const second = int64(time.Second)

// pool is an upstream with members at these addresses, for so many shards.
func pool(t testing.TB, shards int, addresses ...string) (*proxy.Upstream, []*proxy.Member) {
	t.Helper()
	u := proxy.NewUpstream(1, "api", shards)
	members := make([]*proxy.Member, 0, len(addresses))
	for i, a := range addresses {
		var addr *engine.Addr
		if a[0] == '/' {
			var err error
			if addr, err = engine.UnixAddr(a); err != nil {
				t.Fatal(err)
			}
		} else {
			addr = engine.TCPAddr(netip.MustParseAddrPort(a))
		}
		members = append(members, proxy.NewMember(uint32(i+1), addr.String(), addr, u, shards))
	}
	publish(u, members...)
	return u, members
}

func publish(u *proxy.Upstream, members ...*proxy.Member) {
	s := &proxy.Set{Version: u.Set().Version + 1}
	for _, m := range members {
		s.Endpoints = append(s.Endpoints, proxy.Endpoint{Member: m})
	}
	u.Publish(s)
}

// fails makes a shard count failures, and succeeds successes, as shards do.
func fails(cell *proxy.Cell, n uint64) {
	cell.Failures.Add(n)
	cell.Consecutive.Add(n)
}

func succeeds(cell *proxy.Cell, n uint64) {
	cell.Successes.Add(n)
	cell.Consecutive.Store(0)
}

func answers(cell *proxy.Cell, n uint64, after time.Duration) {
	cell.LatencyN.Add(n)
	cell.LatencySum.Add(n * uint64(after.Microseconds()))
}

// journal collects events, and lets tests wait for them.
type journal struct {
	mu     sync.Mutex
	events []Event
	grown  chan struct{}
}

func newJournal() *journal { return &journal{grown: make(chan struct{}, 1)} }

func (j *journal) log(e Event) {
	j.mu.Lock()
	j.events = append(j.events, e)
	j.mu.Unlock()
	select {
	case j.grown <- struct{}{}:
	default:
	}
}

func (j *journal) all() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	var s []string
	for _, e := range j.events {
		s = append(s, e.String())
	}
	return s
}

// next waits for the first event not yet taken and takes it.
func (j *journal) next(t testing.TB) Event {
	t.Helper()
	patience := time.After(20 * time.Second)
	for {
		j.mu.Lock()
		if len(j.events) > 0 {
			e := j.events[0]
			j.events = j.events[1:]
			j.mu.Unlock()
			return e
		}
		j.mu.Unlock()
		select {
		case <-j.grown:
		case <-patience:
			t.Fatal("nothing was logged")
		}
	}
}

// until waits for a condition that nothing announces.
func until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal(what)
		}
	}
}

// scripted is a member that serves each connection with a function, until the test ends.
func scripted(t testing.TB, network, address string, serve func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	var mu sync.Mutex
	open := make(map[net.Conn]bool)
	serving.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open[c] = true
			mu.Unlock()
			serving.Go(func() {
				defer func() {
					_ = c.Close()
					mu.Lock()
					delete(open, c)
					mu.Unlock()
				}()
				serve(c)
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		mu.Lock()
		for c := range open {
			_ = c.Close()
		}
		mu.Unlock()
		serving.Wait()
	})
	return l.Addr().String()
}

// free is an address at which nobody listens.
func free(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

func response(status int, content string) string {
	return fmt.Sprintf("HTTP/1.1 %d Any\r\nContent-Length: %d\r\n\r\n%s", status, len(content), content)
}
