package discovery

import (
	"context"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// patience is how long a test waits for what must happen.
const patience = 10 * time.Second

// server is a name server on loopback, over UDP and TCP, that does as it is
// told.
type server struct {
	addr netip.AddrPort

	mu      sync.Mutex
	zone    map[string][]dnsmessage.Resource // by name and type, "a.test. A"
	rcodes  map[string]dnsmessage.RCode      // the same; names that are in neither do not exist
	header  dnsmessage.Header                // set in all answers
	silent  bool
	asked   map[string]int // the questions, the same; with " tcp" behind for those over TCP
	rewrite func(m *dnsmessage.Message, tcp bool)
	forge   func(m dnsmessage.Message) [][]byte // sent before the answer
	edns    bool                                // whether the last question had it
}

func newServer(t *testing.T) *server {
	t.Helper()
	s := &server{
		zone: make(map[string][]dnsmessage.Resource), rcodes: make(map[string]dnsmessage.RCode), asked: make(map[string]int),
		header: dnsmessage.Header{RecursionAvailable: true},
	}
	udp, tcp := listen(t)
	s.addr = netip.MustParseAddrPort(udp.LocalAddr().String())
	var wait sync.WaitGroup
	t.Cleanup(func() { _ = udp.Close(); _ = tcp.Close(); wait.Wait() })
	wait.Go(func() { s.serveUDP(udp) })
	wait.Go(func() {
		for {
			c, err := tcp.Accept()
			if err != nil {
				return
			}
			wait.Go(func() { s.serveTCP(c) })
		}
	})
	return s
}

// listen finds a port that is free for both.
func listen(t *testing.T) (*net.UDPConn, net.Listener) {
	t.Helper()
	var last error
	for range 100 {
		udp, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.1:0")))
		if err != nil {
			t.Fatal(err)
		}
		tcp, err := net.Listen("tcp", udp.LocalAddr().String())
		if err == nil {
			return udp, tcp
		}
		_ = udp.Close()
		last = err
	}
	t.Fatal(last)
	return nil, nil
}

func (s *server) serveUDP(conn *net.UDPConn) {
	buf := make([]byte, 4096)
	for {
		n, from, err := conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		for _, m := range s.answer(buf[:n], false) {
			_, _ = conn.WriteToUDPAddrPort(m, from)
		}
	}
}

func (s *server) serveTCP(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(patience))
	m, err := frame(conn)
	if err != nil {
		return
	}
	for _, m := range s.answer(m, true) {
		_, _ = conn.Write([]byte{byte(len(m) >> 8), byte(len(m))})
		_, _ = conn.Write(m)
	}
}

func (s *server) answer(message []byte, tcp bool) [][]byte {
	var m dnsmessage.Message
	if m.Unpack(message) != nil || len(m.Questions) != 1 {
		return nil
	}
	q := m.Questions[0]
	key := strings.ToLower(q.Name.String()) + " " + strings.TrimPrefix(q.Type.String(), "Type")
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked[key]++
	if tcp {
		s.asked[key+" tcp"]++
	}
	s.edns = len(m.Additionals) > 0
	if s.silent {
		return nil
	}
	reply := dnsmessage.Message{Header: s.header, Questions: m.Questions}
	reply.ID, reply.Response = m.ID, true
	answers, known := s.zone[key]
	code, has := s.rcodes[key]
	switch {
	case has:
		reply.RCode = code
	case known:
		reply.Answers = answers
	case s.exists(q.Name):
		// A name without records of this kind.
	default:
		reply.RCode = dnsmessage.RCodeNameError
	}
	var all [][]byte
	if s.forge != nil {
		all = s.forge(reply)
	}
	if s.rewrite != nil {
		s.rewrite(&reply, tcp)
	}
	b, err := reply.Pack()
	if err != nil {
		return nil
	}
	return append(all, b)
}

func (s *server) exists(name dnsmessage.Name) bool {
	for key := range s.zone {
		if strings.HasPrefix(key, strings.ToLower(name.String())+" ") {
			return true
		}
	}
	return false
}

// change does something to the server between two questions.
func (s *server) change(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

// count is how often a question was asked.
func (s *server) count(key string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked[key]
}

// set gives a name records of the kind that they are; the lines are
// "NAME TTL KIND VALUE...", "a.test. 60 A 10.0.0.1", and the key that of the
// question that they answer.
func (s *server) set(t *testing.T, key string, lines ...string) {
	t.Helper()
	var list []dnsmessage.Resource
	for _, l := range lines {
		list = append(list, resource(t, l))
	}
	s.change(func() { s.zone[key] = list })
}

func resource(t *testing.T, line string) dnsmessage.Resource {
	t.Helper()
	f := strings.Fields(line)
	ttl, err := time.ParseDuration(f[1] + "s")
	if err != nil {
		t.Fatal(err)
	}
	r := dnsmessage.Resource{Header: dnsmessage.ResourceHeader{Name: dnsmessage.MustNewName(f[0]), Class: dnsmessage.ClassINET, TTL: uint32(ttl / time.Second)}}
	switch f[2] {
	case "A":
		r.Body = &dnsmessage.AResource{A: netip.MustParseAddr(f[3]).As4()}
	case "AAAA":
		r.Body = &dnsmessage.AAAAResource{AAAA: netip.MustParseAddr(f[3]).As16()}
	case "CNAME":
		r.Body = &dnsmessage.CNAMEResource{CNAME: dnsmessage.MustNewName(f[3])}
	case "TXT":
		r.Body = &dnsmessage.TXTResource{TXT: []string{f[3]}}
	case "SRV":
		var n [3]uint16
		for i := range n {
			n[i] = netip.MustParseAddrPort("0.0.0.0:" + f[3+i]).Port()
		}
		r.Body = &dnsmessage.SRVResource{Priority: n[0], Weight: n[1], Port: n[2], Target: dnsmessage.MustNewName(f[6])}
	default:
		t.Fatalf("no records of kind %s", f[2])
	}
	return r
}

// system is a Discovery that uses these name servers and files.
func system(t *testing.T, conf, hosts string, servers ...*server) *Discovery {
	t.Helper()
	dir := t.TempDir()
	o := Options{ResolvConf: filepath.Join(dir, "resolv.conf"), Hosts: filepath.Join(dir, "hosts")}
	for path, text := range map[string]string{o.ResolvConf: conf, o.Hosts: hosts} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	d := New(o)
	look := d.look
	d.look = func(ctx context.Context, q Query, known memory) (Answer, error) {
		q.Servers = nil
		for _, s := range servers {
			q.Servers = append(q.Servers, s.addr)
		}
		return look(ctx, q, known)
	}
	t.Cleanup(d.Close)
	// Whether the machine has a route is not what is tested.
	d.res.routable = func(netip.Addr) bool { return true }
	return d
}

// text is endpoints in the form that tests write: "ADDR:PORT", with
// "*WEIGHT" behind if it is not 1, and a "+" if it is a backup.
func text(list []Endpoint) string {
	var words []string
	for _, e := range list {
		w := e.Addr.String()
		if e.Weight != 1 {
			w += "*" + strconv.Itoa(e.Weight)
		}
		if e.Backup {
			w += "+"
		}
		words = append(words, w)
	}
	return strings.Join(words, " ")
}

// endpoints are hosts with these addresses.
func endpoints(addrs string) (list []Endpoint) {
	for a := range strings.FieldsSeq(addrs) {
		list = append(list, Endpoint{Addr: netip.MustParseAddrPort(a), Weight: 1})
	}
	return list
}

// broken makes an answer one of a server that fails.
func broken(m *dnsmessage.Message, _ bool) {
	m.RCode, m.Answers = dnsmessage.RCodeServerFailure, nil
}
