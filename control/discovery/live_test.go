package discovery_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/anygate/anygate/config"
	"github.com/anygate/anygate/control"
)

const patience = 20 * time.Second

// zone is a name server on loopback that knows one name.
type zone struct {
	conn  *net.UDPConn
	mu    sync.Mutex
	addrs []netip.Addr
	fail  func(m *dnsmessage.Message)
}

func (z *zone) set(fail func(m *dnsmessage.Message), addrs ...netip.Addr) {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.addrs, z.fail = addrs, fail
}

func (z *zone) serve() {
	buf := make([]byte, 4096)
	for {
		n, from, err := z.conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		var m dnsmessage.Message
		if m.Unpack(buf[:n]) != nil || len(m.Questions) != 1 {
			continue
		}
		q := m.Questions[0]
		m.Header = dnsmessage.Header{ID: m.ID, Response: true, RecursionAvailable: true}
		m.Additionals = nil
		z.mu.Lock()
		if q.Type == dnsmessage.TypeA {
			for _, ip := range z.addrs {
				m.Answers = append(m.Answers, dnsmessage.Resource{
					Header: dnsmessage.ResourceHeader{Name: q.Name, Class: dnsmessage.ClassINET},
					Body:   &dnsmessage.AResource{A: ip.As4()},
				})
			}
		}
		if z.fail != nil {
			z.fail(&m)
		}
		z.mu.Unlock()
		if b, err := m.Pack(); err == nil {
			_, _ = z.conn.WriteToUDPAddrPort(b, from)
		}
	}
}

// origin is an upstream on an address of its own, which tells who it is.
type origin struct {
	ip     netip.Addr
	served atomic.Int64
}

func (o *origin) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	o.served.Add(1)
	_, _ = io.WriteString(w, o.ip.String())
}

// origins are n upstreams on 127.0.0.2 and so on, all on the same port.
func origins(t *testing.T, n int) (list []*origin, port uint16) {
	t.Helper()
	var last error
	for range 50 {
		list, port = nil, 0
		var listeners []net.Listener
		ip := netip.MustParseAddr("127.0.0.2")
		for range n {
			l, err := net.Listen("tcp", netip.AddrPortFrom(ip, port).String())
			if err != nil {
				last = err
				break
			}
			port = netip.MustParseAddrPort(l.Addr().String()).Port()
			listeners = append(listeners, l)
			list = append(list, &origin{ip: ip})
			ip = ip.Next()
		}
		if len(list) < n {
			for _, l := range listeners {
				_ = l.Close()
			}
			continue
		}
		for i, l := range listeners {
			s := &http.Server{Handler: list[i]}
			go func() { _ = s.Serve(l) }()
			t.Cleanup(func() { _ = s.Close() })
		}
		return list, port
	}
	t.Fatal(last)
	return nil, 0
}

// Answers change under load, and the name server fails: no
// request does, new members are used, and old ones are not any more.
func TestAnswersChangeUnderLoad(t *testing.T) {
	for _, engine := range []string{"io_uring", "epoll"} {
		t.Run(engine, func(t *testing.T) {
			list, port := origins(t, 3)
			a, b, c := list[0], list[1], list[2]
			z := &zone{}
			var err error
			if z.conn, err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.1:0"))); err != nil {
				t.Fatal(err)
			}
			defer func() { _ = z.conn.Close() }()
			z.set(nil, a.ip)
			go z.serve()
			addr := serve(t, fmt.Sprintf(`
listen: "127.0.0.1:0"
server: {engine: %s, shards: 2}
log: {access: off, error: warn}
upstreams:
  app:
    members: "app.test.:%d"
    resolve: {every: 100ms, servers: "%s"}
routes:
  "/": http://app
`, engine, port, z.conn.LocalAddr()))

			l := load(addr)
			// uses waits until each of these, and nobody else, gets requests.
			uses := func(who ...*origin) {
				t.Helper()
				for end := time.Now().Add(patience); ; {
					before := [3]int64{a.served.Load(), b.served.Load(), c.served.Load()}
					l.more(t, 200)
					right := true
					for i, o := range list {
						used := o.served.Load() != before[i]
						wanted := false
						for _, w := range who {
							wanted = wanted || w == o
						}
						right = right && used == wanted
					}
					if right {
						return
					}
					if time.Now().After(end) {
						t.Fatalf("the members in use are not those of the name: %v, then %d, %d and %d requests", before, a.served.Load(), b.served.Load(), c.served.Load())
					}
				}
			}
			uses(a)
			z.set(nil, a.ip, b.ip, c.ip)
			uses(a, b, c)
			z.set(nil, b.ip, c.ip)
			uses(b, c)
			for _, code := range []dnsmessage.RCode{dnsmessage.RCodeServerFailure, dnsmessage.RCodeNameError, dnsmessage.RCodeSuccess} {
				asked := make(chan struct{}, 1)
				z.set(func(m *dnsmessage.Message) {
					m.RCode = code
					select {
					case asked <- struct{}{}:
					default:
					}
				})
				// Four questions are two look-ups.
				for range 4 {
					select {
					case <-asked:
					case <-time.After(patience):
						t.Fatalf("%v: the name server is not asked any more", code)
					}
				}
				uses(b, c)
			}
			z.set(nil, a.ip)
			uses(a)
			for range 6 {
				z.set(nil, b.ip, c.ip)
				l.more(t, 100)
				z.set(nil, a.ip, c.ip)
				l.more(t, 100)
			}
			uses(a, c)
			l.stop()
			if len(l.failures) > 0 {
				t.Errorf("%d of %d requests failed, the first: %s", len(l.failures), l.done.Load(), l.failures[0])
			}
		})
	}
}

// serve starts AnyGate with a configuration and returns its address.
func serve(t *testing.T, text string) string {
	t.Helper()
	c, diagnostics := config.Parse("anygate.yml", []byte(text), config.Options{Stat: os.Stat})
	if err := diagnostics.Err(); err != nil {
		t.Fatal(err)
	}
	var log locked
	s, err := control.Start(control.Options{Config: c, Version: "0.0.0", Stdout: io.Discard, Stderr: &log})
	if err != nil {
		t.Fatal(err)
	}
	signals, ended := make(chan os.Signal, 1), make(chan error, 1)
	go func() { ended <- s.Serve(signals) }()
	t.Cleanup(func() {
		signals <- syscall.SIGTERM
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Log(log.String())
		}
	})
	return s.Addresses()[0]
}

// locked is a log that a test can read.
type locked struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *locked) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// clients are some clients that send one request after the other.
type clients struct {
	done     atomic.Int64
	quit     chan struct{}
	wait     sync.WaitGroup
	mu       sync.Mutex
	failures []string
}

func load(addr string) *clients {
	l := &clients{quit: make(chan struct{})}
	for range 4 {
		l.wait.Go(func() {
			client := &http.Client{Transport: &http.Transport{}, Timeout: patience}
			defer client.CloseIdleConnections()
			for {
				select {
				case <-l.quit:
					return
				default:
				}
				if err := once(client, addr); err != nil {
					l.mu.Lock()
					l.failures = append(l.failures, err.Error())
					l.mu.Unlock()
				}
				l.done.Add(1)
			}
		})
	}
	return l
}

func once(client *http.Client, addr string) error {
	resp, err := client.Get("http://" + addr + "/")
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if _, err := netip.ParseAddr(string(body)); err != nil || resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", resp.Status, strconv.Quote(string(body)))
	}
	return nil
}

// more waits until so many more requests are done.
func (l *clients) more(t *testing.T, n int64) {
	t.Helper()
	target := l.done.Load() + n
	for end := time.Now().Add(patience); l.done.Load() < target; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("requests hang")
		}
	}
}

func (l *clients) stop() {
	close(l.quit)
	l.wait.Wait()
}
