package discovery

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// A name server that answers has the time that a busy machine takes; one that does not is given up soon.
const (
	oneTry    = "options timeout:10 attempts:1\n"
	oneSecond = "options timeout:1 attempts:1\n"
)

// What names resolve to, by the records that there are. The records of a
// question are given as KEY = RECORD; RECORD.
func TestLookup(t *testing.T) {
	tests := []struct {
		name  string
		zone  string
		query Query
		want  string
		ttl   time.Duration
	}{
		{
			"an address", `
			a.test. A = a.test. 60 A 10.0.0.1`,
			Query{Name: "a.test", Port: 80},
			"10.0.0.1:80", time.Minute,
		},
		{
			"both kinds", `
			a.test. A = a.test. 60 A 10.0.0.1; a.test. 30 A 10.0.0.2
			a.test. AAAA = a.test. 20 AAAA fd00::1`,
			Query{Name: "a.test", Port: 80},
			"10.0.0.1:80 10.0.0.2:80 [fd00::1]:80", 20 * time.Second,
		},
		{
			"the other kind only", `
			a.test. AAAA = a.test. 20 AAAA fd00::1`,
			Query{Name: "a.test", Port: 80},
			"[fd00::1]:80", 20 * time.Second,
		},
		{
			"each address once", `
			a.test. A = a.test. 60 A 10.0.0.1; a.test. 60 A 10.0.0.1`,
			Query{Name: "a.test", Port: 80},
			"10.0.0.1:80", time.Minute,
		},
		{
			"in whatever order and case", `
			a.test. A = A.TEST. 60 A 10.0.0.2; a.Test. 60 A 10.0.0.1`,
			Query{Name: "a.tesT", Port: 80},
			"10.0.0.1:80 10.0.0.2:80", time.Minute,
		},
		{
			"records of others do not count", `
			a.test. A = b.test. 60 A 10.9.9.9; a.test. 60 A 10.0.0.1; a.test. 5 TXT x`,
			Query{Name: "a.test", Port: 80},
			"10.0.0.1:80", time.Minute,
		},
		{
			"an IPv4 address in IPv6", `
			a.test. AAAA = a.test. 60 AAAA ::ffff:10.0.0.1`,
			Query{Name: "a.test", Port: 80},
			"10.0.0.1:80", time.Minute,
		},
		{
			"an alias, with the least TTL", `
			a.test. A = a.test. 9 CNAME b.test.; b.test. 7 CNAME c.test.; c.test. 8 A 10.0.0.1
			a.test. AAAA = a.test. 9 CNAME b.test.; b.test. 7 CNAME c.test.`,
			Query{Name: "a.test", Port: 80},
			"10.0.0.1:80", 7 * time.Second,
		},
		{
			"an alias, out of order", `
			a.test. A = c.test. 60 A 10.0.0.1; b.test. 60 CNAME c.test.; a.test. 60 CNAME b.test.
			a.test. AAAA = a.test. 60 CNAME b.test.`,
			Query{Name: "a.test", Port: 80},
			"10.0.0.1:80", time.Minute,
		},
		{
			"a TTL of 0", `
			a.test. A = a.test. 0 A 10.0.0.1`,
			Query{Name: "a.test", Port: 80},
			"10.0.0.1:80", 0,
		},
		{
			"a TTL that is negative", `
			a.test. A = a.test. 4294967295 A 10.0.0.1`,
			Query{Name: "a.test", Port: 80},
			"10.0.0.1:80", 0,
		},
		{
			"an address is one", ``,
			Query{Name: "10.0.0.9", Port: 80},
			"10.0.0.9:80", maxTTL,
		},
		{
			"an address of IPv6", ``,
			Query{Name: "fd00::9", Port: 80},
			"[fd00::9]:80", maxTTL,
		},
		{
			"localhost is never asked for", ``,
			Query{Name: "localhost", Port: 80},
			"127.0.0.1:80 [::1]:80", maxTTL,
		},
		{
			"nor what is below it", ``,
			Query{Name: "api.LOCALHOST.", Port: 80},
			"127.0.0.1:80 [::1]:80", maxTTL,
		},

		{
			"a service", `
			_h._tcp.test. SRV = _h._tcp.test. 60 SRV 0 5 8080 a.test.; _h._tcp.test. 60 SRV 0 10 8081 b.test.
			a.test. A = a.test. 60 A 10.0.0.1; a.test. 60 A 10.0.0.2; a.test. 60 A 10.0.0.1
			b.test. A = b.test. 10 A 10.0.0.3`,
			Query{Name: "_h._tcp.test", Service: true},
			"10.0.0.1:8080*5 10.0.0.2:8080*5 10.0.0.3:8081*10", 10 * time.Second,
		},
		{
			"its priorities", `
			_h._tcp.test. SRV = _h._tcp.test. 60 SRV 20 1 80 a.test.; _h._tcp.test. 60 SRV 10 1 80 b.test.; _h._tcp.test. 60 SRV 30 1 80 c.test.
			a.test. A = a.test. 60 A 10.0.0.1
			b.test. A = b.test. 60 A 10.0.0.2
			c.test. A = c.test. 60 A 10.0.0.0`,
			Query{Name: "_h._tcp.test", Service: true},
			"10.0.0.2:80 10.0.0.1:80+ 10.0.0.0:80+", time.Minute,
		},
		{
			"no weights", `
			_h._tcp.test. SRV = _h._tcp.test. 60 SRV 0 0 80 a.test.; _h._tcp.test. 60 SRV 0 0 81 a.test.
			a.test. A = a.test. 60 A 10.0.0.1`,
			Query{Name: "_h._tcp.test", Service: true},
			"10.0.0.1:80 10.0.0.1:81", time.Minute,
		},
		{
			"two names of one address", `
			_h._tcp.test. SRV = _h._tcp.test. 60 SRV 0 2 80 a.test.; _h._tcp.test. 60 SRV 0 3 80 b.test.; _h._tcp.test. 60 SRV 9 7 80 c.test.
			a.test. A = a.test. 60 A 10.0.0.1
			b.test. A = b.test. 60 A 10.0.0.1
			c.test. A = c.test. 60 A 10.0.0.1`,
			Query{Name: "_h._tcp.test", Service: true},
			"10.0.0.1:80*5", time.Minute,
		},
		{
			"a target that does not exist", `
			_h._tcp.test. SRV = _h._tcp.test. 60 SRV 0 1 80 a.test.; _h._tcp.test. 60 SRV 0 1 80 gone.test.
			a.test. A = a.test. 60 A 10.0.0.1`,
			Query{Name: "_h._tcp.test", Service: true},
			"10.0.0.1:80", time.Minute,
		},
		{
			"a service by way of an alias", `
			_h._tcp.test. SRV = _h._tcp.test. 5 CNAME _s.test.; _s.test. 60 SRV 0 1 80 a.test.
			a.test. A = a.test. 60 A 10.0.0.1`,
			Query{Name: "_h._tcp.test", Service: true},
			"10.0.0.1:80", 5 * time.Second,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newServer(t)
			s.load(t, test.zone)
			d := system(t, oneTry, "", s)
			a, err := d.Lookup(t.Context(), test.query)
			if err != nil {
				t.Fatal(err)
			}
			if got := text(a.Endpoints); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
			if a.TTL != test.ttl {
				t.Errorf("the TTL is %v, want %v", a.TTL, test.ttl)
			}
			if a.Partial != nil {
				t.Errorf("the answer is partial: %v", a.Partial)
			}
		})
	}
}

// load sets the records of a zone in the form of TestLookup.
func (s *server) load(t *testing.T, zone string) {
	t.Helper()
	for l := range strings.Lines(zone) {
		key, records, ok := strings.Cut(l, "=")
		if !ok {
			continue
		}
		var list []string
		for r := range strings.SplitSeq(records, ";") {
			list = append(list, r)
		}
		s.set(t, strings.TrimSpace(key), list...)
	}
}

func TestLookupFails(t *testing.T) {
	service := Query{Name: "_h._tcp.test", Service: true}
	tests := []struct {
		name     string
		zone     string
		do       func(s *server)
		query    Query
		text     string // in the error
		notFound bool
		timeout  bool
	}{
		{"no such name", ``, nil, Query{Name: "a.test"}, "no such host", true, false},
		{"no address", `a.test. TXT = a.test. 60 TXT x`, nil, Query{Name: "a.test"}, "no such host", true, false},
		{"an alias of nothing", `a.test. A = a.test. 60 CNAME b.test.`, nil, Query{Name: "a.test"}, "no such host", true, false},
		{"an alias of itself", `
			a.test. A = a.test. 60 CNAME a.test.
			a.test. AAAA = a.test. 60 CNAME a.test.`, nil, Query{Name: "a.test"}, "alias of an alias", false, false},
		{"SERVFAIL", `a.test. A = a.test. 60 A 10.0.0.1`, func(s *server) {
			s.rcodes["a.test. A"], s.rcodes["a.test. AAAA"] = dnsmessage.RCodeServerFailure, dnsmessage.RCodeServerFailure
		}, Query{Name: "a.test"}, "SERVFAIL", false, false},
		{"SERVFAIL for one kind, nothing of the other", `a.test. TXT = a.test. 60 TXT x`, func(s *server) {
			s.rcodes["a.test. AAAA"] = dnsmessage.RCodeServerFailure
		}, Query{Name: "a.test"}, "SERVFAIL", false, false},
		{"REFUSED", ``, func(s *server) {
			s.rcodes["a.test. A"], s.rcodes["a.test. AAAA"] = dnsmessage.RCodeRefused, dnsmessage.RCodeRefused
		}, Query{Name: "a.test"}, "REFUSED", false, false},
		{
			"no recursion", `a.test. TXT = a.test. 60 TXT x`, func(s *server) { s.header.RecursionAvailable = false },
			Query{Name: "a.test"},
			"does not ask others", false, false,
		},
		{"silence", ``, func(s *server) { s.silent = true }, Query{Name: "a.test"}, "in time", false, true},
		{"answers to other questions", `a.test. A = a.test. 60 A 10.0.0.1`, func(s *server) {
			s.rewrite = func(m *dnsmessage.Message, _ bool) { m.ID++ }
		}, Query{Name: "a.test"}, "in time", false, true},
		{"truncated over TCP as well", ``, func(s *server) {
			s.rewrite = func(m *dnsmessage.Message, _ bool) { m.Truncated, m.RCode = true, 0 }
		}, Query{Name: "a.test"}, "truncated over TCP", false, false},
		{"a label that is too long", ``, nil, Query{Name: strings.Repeat("a", 64) + ".test"}, "no such host", true, false},
		{"a name that is too long", ``, nil, Query{Name: strings.Repeat("a.", 130) + "test"}, "no such host", true, false},
		{"an empty label", ``, nil, Query{Name: "a..test"}, "no such host", true, false},
		{"no name", ``, nil, Query{Name: ""}, "no such host", true, false},

		{"no such service", ``, nil, service, "no such host", true, false},
		{"a service that is declined", `_h._tcp.test. SRV = _h._tcp.test. 60 SRV 0 0 0 .`, nil, service, "no such host", true, false},
		{"a service whose targets do not exist", `_h._tcp.test. SRV = _h._tcp.test. 60 SRV 0 1 80 a.test.`, nil, service, "no such host", true, false},
		{"a service whose targets cannot be looked up", `_h._tcp.test. SRV = _h._tcp.test. 60 SRV 0 1 80 a.test.`, func(s *server) {
			s.rcodes["a.test. A"] = dnsmessage.RCodeServerFailure
		}, service, "SERVFAIL", false, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			s.load(t, test.zone)
			if test.do != nil {
				s.change(func() { test.do(s) })
			}
			try := oneTry
			if test.timeout {
				try = oneSecond
			}
			d := system(t, try, "", s)
			a, err := d.Lookup(t.Context(), test.query)
			var dns *net.DNSError
			if !errors.As(err, &dns) {
				t.Fatalf("got %v and %v, want a DNS error", text(a.Endpoints), err)
			}
			if !strings.Contains(err.Error(), test.text) || dns.IsNotFound != test.notFound || dns.IsTimeout != test.timeout {
				t.Errorf("got %v (not found: %v, timeout: %v), want %q, %v, %v", err, dns.IsNotFound, dns.IsTimeout, test.text, test.notFound, test.timeout)
			}
		})
	}
}

// The next name server is asked when one does not answer, or cannot.
func TestLookupAsksTheNextServer(t *testing.T) {
	good := newServer(t)
	good.set(t, "a.test. A", "a.test. 60 A 10.0.0.1")
	closed := newServer(t)
	closed.addr = netip.MustParseAddrPort("127.0.0.1:1")
	silent := newServer(t)
	silent.change(func() { silent.silent = true })
	broken := newServer(t)
	broken.change(func() {
		broken.rewrite = func(m *dnsmessage.Message, _ bool) { m.RCode = dnsmessage.RCodeServerFailure }
	})
	for name, s := range map[string]*server{"closed": closed, "silent": silent, "broken": broken} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := system(t, oneSecond, "", s, good)
			a, err := d.Lookup(t.Context(), Query{Name: "a.test", Port: 1})
			if err != nil || text(a.Endpoints) != "10.0.0.1:1" {
				t.Errorf("got %v and %v", text(a.Endpoints), err)
			}
		})
	}
}

func TestRotate(t *testing.T) {
	a, b := newServer(t), newServer(t)
	d := system(t, oneTry+"options rotate\n", "", a, b)
	for range 10 {
		_, _ = d.Lookup(t.Context(), Query{Name: "x.test."})
	}
	x, y := a.count("x.test. A")+a.count("x.test. AAAA"), b.count("x.test. A")+b.count("x.test. AAAA")
	if x != 10 || y != 10 {
		t.Errorf("the servers were asked %d and %d times, want 10 and 10", x, y)
	}
}

// A question is repeated as often as resolv.conf says.
func TestAttempts(t *testing.T) {
	s := newServer(t)
	s.change(func() { s.rewrite = func(m *dnsmessage.Message, _ bool) { m.RCode = dnsmessage.RCodeServerFailure } })
	d := system(t, "options attempts:3\n", "", s)
	_, err := d.Lookup(t.Context(), Query{Name: "x.test."})
	if n := s.count("x.test. A"); n != 3 || err == nil {
		t.Errorf("asked %d times, want 3; %v", n, err)
	}
}

// What does not fit into a datagram is asked for over TCP.
func TestTruncation(t *testing.T) {
	s := newServer(t)
	var records, want []string
	for i := range 300 {
		records = append(records, fmt.Sprintf("big.test. 60 A 10.0.%d.%d", i/250, i%250))
		want = append(want, fmt.Sprintf("10.0.%d.%d:80", i/250, i%250))
	}
	s.set(t, "big.test. A", records...)
	s.change(func() {
		s.rewrite = func(m *dnsmessage.Message, tcp bool) {
			if !tcp && len(m.Answers) > 20 {
				m.Truncated, m.Answers = true, m.Answers[:20]
			}
		}
	})
	d := system(t, oneTry, "", s)
	a, err := d.Lookup(t.Context(), Query{Name: "big.test", Port: 80})
	if err != nil {
		t.Fatal(err)
	}
	if got := text(a.Endpoints); got != strings.Join(want, " ") {
		t.Errorf("got %s", got)
	}
	if n := s.count("big.test. A tcp"); n != 1 {
		t.Errorf("asked %d times over TCP, want once", n)
	}
	if n := s.count("big.test. AAAA tcp"); n != 0 {
		t.Errorf("asked %d times over TCP for what fits", n)
	}
}

func TestTCPOnly(t *testing.T) {
	s := newServer(t)
	s.set(t, "a.test. A", "a.test. 60 A 10.0.0.1")
	d := system(t, oneTry+"options use-vc\n", "", s)
	if _, err := d.Lookup(t.Context(), Query{Name: "a.test"}); err != nil {
		t.Fatal(err)
	}
	if n, over := s.count("a.test. A"), s.count("a.test. A tcp"); n != 1 || over != 1 {
		t.Errorf("asked %d times, of them %d over TCP", n, over)
	}
}

func TestEDNS(t *testing.T) {
	for _, code := range []dnsmessage.RCode{dnsmessage.RCodeFormatError, dnsmessage.RCodeNotImplemented} {
		s := newServer(t)
		s.set(t, "a.test. A", "a.test. 60 A 10.0.0.1")
		s.change(func() {
			s.rewrite = func(m *dnsmessage.Message, _ bool) {
				if s.edns {
					m.RCode, m.Answers, m.Questions = code, nil, nil
				}
			}
		})
		d := system(t, oneTry, "", s)
		if _, err := d.Lookup(t.Context(), Query{Name: "a.test"}); err != nil {
			t.Error(err)
		}
		if n := s.count("a.test. A"); n != 2 {
			t.Errorf("asked %d times, want once with EDNS and once without", n)
		}
	}
}

// Datagrams that do not answer the question are passed over: they may be an
// attempt to get in before the answer.
func TestForgedAnswers(t *testing.T) {
	s := newServer(t)
	s.set(t, "a.test. A", "a.test. 60 A 10.0.0.1")
	s.change(func() {
		s.forge = func(m dnsmessage.Message) [][]byte {
			forged := func(change func(m *dnsmessage.Message)) []byte {
				f := m
				f.Answers = []dnsmessage.Resource{resource(t, "a.test. 60 A 10.6.6.6")}
				f.Questions = slices.Clone(m.Questions)
				change(&f)
				b, err := f.Pack()
				if err != nil {
					t.Error(err)
				}
				return b
			}
			return [][]byte{
				[]byte("?"),
				forged(func(m *dnsmessage.Message) { m.ID ^= 1 }),
				forged(func(m *dnsmessage.Message) { m.Response = false }),
				forged(func(m *dnsmessage.Message) { m.Questions = nil }),
				forged(func(m *dnsmessage.Message) { m.Questions[0].Type = dnsmessage.TypeTXT }),
				forged(func(m *dnsmessage.Message) { m.Questions[0].Name = dnsmessage.MustNewName("b.test.") }),
			}
		}
	})
	d := system(t, oneTry, "", s)
	a, err := d.Lookup(t.Context(), Query{Name: "a.test", Port: 80})
	if err != nil || text(a.Endpoints) != "10.0.0.1:80" {
		t.Errorf("got %s and %v", text(a.Endpoints), err)
	}
}

// A server that does not ask others gives an alias, and no more.
func TestAliasOverSeveralAnswers(t *testing.T) {
	s := newServer(t)
	s.change(func() { s.header = dnsmessage.Header{Authoritative: true} })
	s.load(t, `
		a.test. A = a.test. 60 CNAME b.test.
		b.test. A = b.test. 30 CNAME c.test.
		c.test. A = c.test. 60 A 10.0.0.1`)
	d := system(t, oneTry, "", s)
	a, err := d.Lookup(t.Context(), Query{Name: "a.test", Port: 80})
	if err != nil || text(a.Endpoints) != "10.0.0.1:80" || a.TTL != 30*time.Second {
		t.Errorf("got %s, %v and %v", text(a.Endpoints), a.TTL, err)
	}
}

func TestAliasWithoutEnd(t *testing.T) {
	s := newServer(t)
	s.change(func() { s.header = dnsmessage.Header{Authoritative: true} })
	for i := range 100 {
		s.load(t, fmt.Sprintf("n%d.test. A = n%d.test. 60 CNAME n%d.test.", i, i, i+1))
		s.load(t, fmt.Sprintf("n%d.test. AAAA = n%d.test. 60 CNAME n%d.test.", i, i, i+1))
	}
	d := system(t, oneTry, "", s)
	if a, err := d.Lookup(t.Context(), Query{Name: "n0.test"}); err == nil || !strings.Contains(err.Error(), "alias") {
		t.Errorf("got %s and %v", text(a.Endpoints), err)
	}
	if n := s.count(fmt.Sprintf("n%d.test. A", maxChain+2)); n != 0 {
		t.Error("the chain was followed too far")
	}
}

func TestSearch(t *testing.T) {
	tests := []struct {
		name  string
		conf  string
		query string
		want  string // the questions for addresses of IPv4, in order
	}{
		{"a short name", "search one.test two.test", "a", "a.one.test. a.two.test. a."},
		{"a name with a dot", "search one.test", "a.b", "a.b. a.b.one.test."},
		{"more dots are wanted", "search one.test\noptions ndots:2", "a.b", "a.b.one.test. a.b."},
		{"a name that is complete", "search one.test", "a.", "a."},
		{"domain is a search list of one", "domain one.test", "a", "a.one.test. a."},
		{"the last one counts", "search x.test\ndomain one.test.", "a", "a.one.test. a."},
		{"no list", "search .", "a", "a."},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := parseConf(test.conf)
			if got := strings.Join(c.candidates(test.query), " "); got != test.want {
				t.Fatalf("got %s, want %s", got, test.want)
			}
			// The last of them is the one that exists.
			s := newServer(t)
			names := strings.Fields(test.want)
			last := names[len(names)-1]
			s.set(t, last+" A", last+" 60 A 10.0.0.1")
			d := system(t, test.conf, "", s)
			a, err := d.Lookup(t.Context(), Query{Name: test.query, Port: 80})
			if err != nil || text(a.Endpoints) != "10.0.0.1:80" {
				t.Errorf("got %s and %v", text(a.Endpoints), err)
			}
			for _, name := range names {
				if s.count(name+" A") != 1 {
					t.Errorf("%s was asked for %d times", name, s.count(name+" A"))
				}
			}
		})
	}
}

// If one kind of addresses cannot be found out, the other is used, and what was
// known of the former.
func TestPartialAnswers(t *testing.T) {
	s := newServer(t)
	s.load(t, `
		a.test. A = a.test. 60 A 10.0.0.1
		a.test. AAAA = a.test. 60 AAAA fd00::1
		b.test. A = b.test. 60 A 10.0.0.2
		_h._tcp.test. SRV = _h._tcp.test. 60 SRV 0 1 80 a.test.; _h._tcp.test. 60 SRV 0 1 80 b.test.`)
	d := system(t, oneTry, "", s)
	for _, q := range []Query{{Name: "a.test", Port: 80}, {Name: "_h._tcp.test", Service: true}} {
		s.change(func() { clear(s.rcodes) })
		whole, err := d.look(t.Context(), q, nil)
		if err != nil || whole.Partial != nil {
			t.Fatal(err, whole.Partial)
		}
		s.change(func() { s.rcodes["a.test. AAAA"] = dnsmessage.RCodeServerFailure })
		a, err := d.look(t.Context(), q, whole.memory)
		if err != nil || text(a.Endpoints) != text(whole.Endpoints) {
			t.Errorf("%s: got %s and %v, want %s", q.Name, text(a.Endpoints), err, text(whole.Endpoints))
		}
		if a.Partial == nil || !strings.Contains(a.Partial.Error(), "SERVFAIL") {
			t.Errorf("%s: the answer is not partial: %v", q.Name, a.Partial)
		}
		// Without anything known, what there is is used.
		a, err = d.look(t.Context(), q, nil)
		if err != nil || a.Partial == nil || strings.Contains(text(a.Endpoints), "fd00") {
			t.Errorf("%s: got %s, %v and %v", q.Name, text(a.Endpoints), a.Partial, err)
		}
		// A kind that is no longer there is given up.
		s.change(func() { delete(s.rcodes, "a.test. AAAA"); delete(s.zone, "a.test. AAAA") })
		a, err = d.look(t.Context(), q, whole.memory)
		if err != nil || a.Partial != nil || strings.Contains(text(a.Endpoints), "fd00") {
			t.Errorf("%s: got %s, %v and %v", q.Name, text(a.Endpoints), a.Partial, err)
		}
		s.load(t, `a.test. AAAA = a.test. 60 AAAA fd00::1`)
	}
	// A target of a service of which nothing can be found out.
	q := Query{Name: "_h._tcp.test", Service: true}
	whole, _ := d.look(t.Context(), q, nil)
	s.change(func() {
		s.rcodes["a.test. A"], s.rcodes["a.test. AAAA"] = dnsmessage.RCodeServerFailure, dnsmessage.RCodeServerFailure
	})
	for range 2 { // What is remembered stays remembered.
		a, err := d.look(t.Context(), q, whole.memory)
		if err != nil || a.Partial == nil || text(a.Endpoints) != "10.0.0.1:80 10.0.0.2:80 [fd00::1]:80" {
			t.Errorf("got %s, %v and %v", text(a.Endpoints), a.Partial, err)
		}
		whole = a
	}
	// If it is said not to exist, it is given up.
	s.change(func() { delete(s.zone, "a.test. A"); delete(s.zone, "a.test. AAAA"); clear(s.rcodes) })
	a, err := d.look(t.Context(), q, whole.memory)
	if err != nil || text(a.Endpoints) != "10.0.0.2:80" {
		t.Errorf("got %s and %v", text(a.Endpoints), err)
	}
}

func TestRoutes(t *testing.T) {
	s := newServer(t)
	s.load(t, `
		a.test. A = a.test. 60 A 10.0.0.1
		a.test. AAAA = a.test. 60 AAAA fd00::1`)
	d := system(t, oneTry, "", s)
	for _, test := range []struct {
		name     string
		routable func(netip.Addr) bool
		want     string
	}{
		{"no IPv6", netip.Addr.Is4, "10.0.0.1:80"},
		{"no IPv4", netip.Addr.Is6, "[fd00::1]:80"},
		{"neither", func(netip.Addr) bool { return false }, "10.0.0.1:80 [fd00::1]:80"},
	} {
		t.Run(test.name, func(t *testing.T) {
			d.res.routable = test.routable
			a, err := d.Lookup(t.Context(), Query{Name: "a.test", Port: 80})
			if err != nil || text(a.Endpoints) != test.want {
				t.Errorf("got %s and %v, want %s", text(a.Endpoints), err, test.want)
			}
		})
	}
	if !routable(netip.MustParseAddr("127.0.0.1")) {
		t.Error("there is no route to loopback")
	}
	if routable(netip.MustParseAddr("fe80::1%nowhere")) {
		t.Error("there is a route by way of an interface that does not exist")
	}
}

func TestLookupEnds(t *testing.T) {
	s := newServer(t)
	s.change(func() { s.silent = true })
	d := system(t, "options timeout:30 attempts:5\n", "", s)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	begin := time.Now()
	_, err := d.Lookup(ctx, Query{Name: "a.test"})
	var dns *net.DNSError
	if !errors.As(err, &dns) || !dns.IsTimeout || time.Since(begin) > patience {
		t.Errorf("got %v after %v", err, time.Since(begin))
	}
}
