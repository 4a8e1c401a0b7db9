package control

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// nameServer answers A questions for every name with addresses that may change, or with failures.
type nameServer struct {
	conn  *net.UDPConn
	asked atomic.Int64

	mu    sync.Mutex
	addrs []netip.Addr
	code  dnsmessage.RCode
}

func startNameServer(t *testing.T, addrs ...string) *nameServer {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	s := &nameServer{conn: conn}
	s.say(dnsmessage.RCodeSuccess, addrs...)
	var ended sync.WaitGroup
	ended.Go(s.serve)
	t.Cleanup(func() { conn.Close(); ended.Wait() })
	return s
}

// say changes what is answered from now on.
func (s *nameServer) say(code dnsmessage.RCode, addrs ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.code, s.addrs = code, nil
	for _, a := range addrs {
		s.addrs = append(s.addrs, netip.MustParseAddr(a))
	}
}

func (s *nameServer) serve() {
	buf := make([]byte, 4096)
	for {
		n, from, err := s.conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		var p dnsmessage.Parser
		h, err := p.Start(buf[:n])
		if err != nil {
			continue
		}
		q, err := p.Question()
		if err != nil {
			continue
		}
		s.asked.Add(1)
		_, _ = s.conn.WriteToUDPAddrPort(s.answer(h, q), from)
	}
}

func (s *nameServer) answer(h dnsmessage.Header, q dnsmessage.Question) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: h.ID, Response: true, RecursionAvailable: true, RCode: s.code},
		Questions: []dnsmessage.Question{q},
	}
	for _, a := range s.addrs {
		if q.Type == dnsmessage.TypeA {
			m.Answers = append(m.Answers, dnsmessage.Resource{
				Header: dnsmessage.ResourceHeader{Name: q.Name, Class: q.Class, TTL: 0}, Body: &dnsmessage.AResource{A: a.As4()},
			})
		}
	}
	out, err := m.Pack()
	if err != nil {
		panic(err)
	}
	return out
}

// TestNamesMoveUnderLoad changes what a name server answers while requests are under way: none of them fails, and each
// goes where the name led to, or leads to.
func TestNamesMoveUnderLoad(t *testing.T) {
	engines(t, func(t *testing.T, engine string) {
		var hits [2]atomic.Int64
		serve := func(k int, addr string) (*http.Server, net.Listener) {
			l, err := net.Listen("tcp4", addr)
			if err != nil {
				t.Fatal(err)
			}
			s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				hits[k].Add(1)
				fmt.Fprint(w, "ok")
			})}
			go func() { _ = s.Serve(l) }()
			t.Cleanup(func() { s.Close() })
			return s, l
		}
		first, l := serve(0, "127.0.0.1:0")
		port := l.Addr().(*net.TCPAddr).Port
		serve(1, fmt.Sprintf("127.0.0.2:%d", port))
		dns := startNameServer(t, "127.0.0.1")
		r := start(t, "", fmt.Sprintf(`
listen: "127.0.0.1:0"
server: {engine: %s, shards: 2}
upstreams:
  api: {members: "app.test.:%d", resolve: {every: 100ms, servers: "%s"}}
routes: {"/": http://api}
`, engine, port, dns.conn.LocalAddr()))

		var stop atomic.Bool
		var load sync.WaitGroup
		defer load.Wait()
		defer stop.Store(true)
		var sent, failed atomic.Int64
		var rounds [4]atomic.Int64
		for i := range rounds {
			load.Go(func() {
				for ; !stop.Load(); rounds[i].Add(1) {
					resp, err := http.Get("http://" + r.Addresses()[0] + "/")
					sent.Add(1)
					if err != nil {
						failed.Add(1)
						continue
					}
					body, err := io.ReadAll(resp.Body)
					resp.Body.Close()
					if err != nil || resp.StatusCode != 200 || string(body) != "ok" {
						failed.Add(1)
					}
				}
			})
		}
		more := func(what string, n *atomic.Int64) {
			t.Helper()
			r.wait(what, func(was int64) bool { return n.Load() > was+50 }, n.Load())
		}
		more("requests reach the first address", &hits[0])
		dns.say(dnsmessage.RCodeSuccess, "127.0.0.1", "127.0.0.2")
		more("requests reach the second address too", &hits[1])
		dns.say(dnsmessage.RCodeSuccess, "127.0.0.2")
		r.logged(fmt.Sprintf("removed 127.0.0.1:%d", port))
		// Whoever was on the way to the first address has been there when each client has begun another request.
		for i := range rounds {
			r.wait("requests go on", func(was int64) bool { return rounds[i].Load() > was+1 }, rounds[i].Load())
		}
		before := hits[0].Load()
		first.Close()
		dns.say(dnsmessage.RCodeServerFailure)
		r.logged("warn a name cannot be looked up: its last addresses stay")
		more("requests go on while the name server fails", &hits[1])
		dns.say(dnsmessage.RCodeNameError)
		asked := dns.asked.Load()
		r.wait("the name server denies the name", func(int64) bool { return dns.asked.Load() > asked+2 }, 0)
		more("requests go on while the name does not exist", &hits[1])
		if n := hits[0].Load(); n != before {
			t.Errorf("%d requests went to an address that the name did not have any more", n-before)
		}
		if n := failed.Load(); n != 0 {
			t.Errorf("%d of %d requests failed:\n%s", n, sent.Load(), r.err.String())
		}
	})
}
