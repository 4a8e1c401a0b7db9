package gateway

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/anygate/anygate/http1"
)

func TestParseNode(t *testing.T) {
	for s, want := range map[string]string{
		"192.0.2.1": "192.0.2.1:0", "192.0.2.1:80": "192.0.2.1:80", "192.0.2.1:_p1": "192.0.2.1:0", "192.0.2.1:": "", "192.0.2.1:_": "", "192.0.2.1:x": "", "192.0.2.1:65536": "",
		"2001:db8::1": "[2001:db8::1]:0", "[2001:db8::1]": "[2001:db8::1]:0", "[2001:db8::1]:80": "[2001:db8::1]:80", "[2001:db8::1]80": "", "[2001:db8::1": "", "[2001:db8::1]:": "",
		"::ffff:192.0.2.1": "192.0.2.1:0", "[::ffff:192.0.2.1]:1": "192.0.2.1:1", "[192.0.2.1]": "", "[192.0.2.1]:80": "", "unknown": "", "_hidden": "", "": "", "[]": "", ":80": "",
		"fe80::1%eth0": "", "localhost": "", "192.0.2.1, 192.0.2.2": "", "192.0.2.1 ": "", `"192.0.2.1"`: "", "2001:db8::1:80": "[2001:db8::1:80]:0",
	} {
		var wanted netip.AddrPort
		if want != "" {
			wanted = netip.MustParseAddrPort(want)
		}
		if got := parseNode([]byte(s)); got != wanted {
			t.Errorf("%q is %v, want %v", s, got, wanted)
		}
	}
}

// said is a request with the fields given.
func said(t testing.TB, fields string) *http1.Request {
	t.Helper()
	r := new(http1.Request)
	raw := "GET / HTTP/1.1\r\nHost: h\r\n" + fields + "\r\n"
	limits := http1.Limits{RequestLine: 1000, HeadBytes: http1.MaxHeadBytes, Fields: 1000, TrailerBytes: 1000, ChunkLine: 100}
	if n, err := r.Scan([]byte(raw), &limits); n != len(raw) || err != http1.OK {
		t.Fatalf("%q: %d, %v", raw, n, err)
	}
	return r
}

// lists are what may stand in X-Forwarded-For, lines separated by "|", and who
// the client is when 10.0.0.0/8 is trusted; "" for the peer.
var lists = []struct{ in, want string }{
	{"203.0.113.9", "203.0.113.9"},
	{"203.0.113.9, 10.0.0.2", "203.0.113.9"},
	{"203.0.113.9,10.0.0.2,10.0.0.3", "203.0.113.9"},
	{"1.1.1.1, 203.0.113.9", "203.0.113.9"},
	{"1.1.1.1, 203.0.113.9, 10.0.0.2", "203.0.113.9"},
	{"10.0.0.9, 203.0.113.9, 10.0.0.2", "203.0.113.9"},
	{"10.0.0.4, 10.0.0.3, 10.0.0.2", "10.0.0.4"},
	{"203.0.113.9|10.0.0.2", "203.0.113.9"},
	{"1.1.1.1|203.0.113.9|10.0.0.3, 10.0.0.2", "203.0.113.9"},
	{" ,, 203.0.113.9 ,\t", "203.0.113.9"},
	{"2001:db8::9", "2001:db8::9"},
	{"[2001:db8::9]:4711, 10.0.0.2", "2001:db8::9"},
	{"203.0.113.9:4711", "203.0.113.9"},
	{"::ffff:203.0.113.9, ::ffff:10.0.0.2", "203.0.113.9"},
	{"", ""},
	{",", ""},
	{"unknown", ""},
	{"203.0.113.9, unknown", ""},
	{"203.0.113.9, garbage, 10.0.0.2", "10.0.0.2"},
	{"203.0.113.9, garbage, 10.0.0.3, 10.0.0.2", "10.0.0.3"},
	{"garbage, 203.0.113.9", "203.0.113.9"},
	{`", 203.0.113.9`, "203.0.113.9"},
	{`"a, 203.0.113.9, "`, ""},
	{"203.0.113.9;10.0.0.1", ""},
	{"203.0.113.9 10.0.0.1", ""},
}

func clientOf(a netip.AddrPort) string {
	if !a.IsValid() {
		return ""
	}
	return a.Addr().String()
}

func TestAddressList(t *testing.T) {
	trust := NewTrust(prefixes("10.0.0.0/8"))
	for _, tt := range lists {
		fields := ""
		for line := range strings.SplitSeq(tt.in, "|") {
			fields += "X-Forwarded-For: " + line + "\r\n"
		}
		c := chain{trust: &trust}
		c.addList(said(t, fields))
		if got := clientOf(c.client); got != tt.want {
			t.Errorf("%q: the client is %q, want %q", tt.in, got, tt.want)
		}
	}
}

func TestForwarded(t *testing.T) {
	trust := NewTrust(prefixes("10.0.0.0/8"))
	for _, tt := range []struct {
		name, in, client, host, proto string
		whole                         bool
	}{
		{"one", "for=203.0.113.9", "203.0.113.9", "", "", true},
		{"of RFC 7239, section 4", `For="[2001:db8:cafe::17]:4711"`, "2001:db8:cafe::17", "", "", true},
		{"all that there is", `for=203.0.113.9;proto=https;by=203.0.113.43;host="a.test:8443"`, "203.0.113.9", "a.test:8443", "https", true},
		{"blanks and empty pairs", `for=203.0.113.9 ;; PROTO=http; , ,`, "203.0.113.9", "", "http", true},
		{"through trusted ones", "for=203.0.113.9;proto=https, for=10.0.0.2;proto=http", "203.0.113.9", "", "https", true},
		{"after untrusted ones", "for=1.1.1.1;proto=https;host=bank, for=203.0.113.9;proto=http;host=h", "203.0.113.9", "h", "http", true},
		{"all trusted", "for=10.0.0.4;proto=https;host=a, for=10.0.0.3;host=b", "10.0.0.4", "a", "https", true},
		{"several lines", "for=1.1.1.1|for=203.0.113.9;host=a|for=10.0.0.2;host=b", "203.0.113.9", "a", "", true},
		{"a port", `for="203.0.113.9:80"`, "203.0.113.9", "", "", true},
		{"a hidden port", `for="203.0.113.9:_x"`, "203.0.113.9", "", "", true},
		{"unknown", "for=203.0.113.9;host=a, for=unknown;host=b;proto=https", "", "b", "https", true},
		{"an obfuscated name", "for=_SEVKISEK;host=b, for=10.0.0.2;host=c", "10.0.0.2", "b", "", true},
		{"without for", "proto=https;host=a", "", "a", "https", true},
		{"other parameters", "for=203.0.113.9;secret=x;secret=y", "203.0.113.9", "", "", true},
		{"for twice", "for=203.0.113.9;for=1.1.1.1", "", "", "", false},
		{"proto twice", "for=203.0.113.9;proto=http;proto=https", "", "", "", false},
		{"host twice", "for=203.0.113.9;host=a;Host=b", "", "", "", false},
		{"IPv6 without quotes", "for=[2001:db8::1]", "", "", "", false},
		{"IPv6 without brackets", `for="2001:db8::1"`, "", "", "", true},
		{"no pair", "203.0.113.9", "", "", "", false},
		{"a blank before the sign", "for =203.0.113.9", "", "", "", false},
		{"a quote left open before the client", `for="1.1.1.1, for=203.0.113.9;proto=https`, "203.0.113.9", "", "https", false},
		{"a quote left open at the end", `for=203.0.113.9, host="`, "", "", "", false},
		{"a quote inside", `for=203.0.113.9;host="a"b"`, "", "", "", false},
		{"a backslash", `for="203.0.113.\9"`, "", "", "", true},
		{"a backslash at the end", `for="203.0.113.9\"`, "", "", "", false},
		{"a comma in quotes", `for=203.0.113.9;x="a,b"`, "", "", "", false},
		{"a comma in quotes of an untrusted one", `for=1.1.1.1;x="a,b", for=203.0.113.9;host=h`, "203.0.113.9", "h", "", false},
		{"a semicolon in quotes", `for=203.0.113.9;x="a;b"`, "", "", "", false},
		{"nothing", "", "", "", "", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			fields := ""
			for line := range strings.SplitSeq(tt.in, "|") {
				fields += "Forwarded: " + line + "\r\n"
			}
			c := chain{trust: &trust}
			about, whole := c.addForwarded(said(t, fields))
			if got := clientOf(c.client); got != tt.client || string(about.host) != tt.host || string(about.proto) != tt.proto || whole != tt.whole {
				t.Errorf("%q, host %q, proto %q, whole %t; want %q, %q, %q, %t", got, about.host, about.proto, whole, tt.client, tt.host, tt.proto, tt.whole)
			}
		})
	}
}

// FuzzChain checks that nothing that stands before what a trusted peer has
// added changes who the client is.
func FuzzChain(f *testing.F) {
	for _, tt := range lists {
		f.Add(tt.in)
	}
	f.Add(`for="1.1.1.1`)
	f.Add(`for=1.1.1.1;host="a\`)
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) > 8000 || !http1.IsFieldValue([]byte(s)) {
			return
		}
		trust := NewTrust(prefixes("10.0.0.0/8", "::1/128"))
		for _, join := range []string{", ", "\r\nX-Forwarded-For: "} {
			c := chain{trust: &trust}
			c.addList(said(t, "X-Forwarded-For: "+s+join+"203.0.113.9, 10.0.0.2, ::1\r\n"))
			if clientOf(c.client) != "203.0.113.9" {
				t.Fatalf("%q: the client is %v", s, c.client)
			}
		}
		for _, join := range []string{", ", "\r\nForwarded: "} {
			c := chain{trust: &trust}
			about, _ := c.addForwarded(said(t, "Forwarded: "+s+join+"for=203.0.113.9;host=mine, for=10.0.0.2;host=b, for=\"[::1]\"\r\n"))
			if clientOf(c.client) != "203.0.113.9" || string(about.host) != "mine" {
				t.Fatalf("%q: the client is %v, for %q", s, c.client, about.host)
			}
		}
	})
}

func TestChainAllocatesNothing(t *testing.T) {
	trust := NewTrust(prefixes("10.0.0.0/8", "::1/128"))
	list := said(t, "X-Forwarded-For: garbage, 2001:db8::1, 203.0.113.9:80\r\nX-Forwarded-For: 10.0.0.1\r\n")
	elements := said(t, "Forwarded: for=\"[2001:db8::1]:80\";host=\"a\\b\", for=203.0.113.9;proto=https, for=_x\r\n")
	if n := testing.AllocsPerRun(100, func() {
		c := chain{trust: &trust}
		c.addList(list)
		c = chain{trust: &trust}
		c.addForwarded(elements)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
