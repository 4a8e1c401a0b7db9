package proxy

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/anygate/anygate/http1"
)

// TestAppendForwarded is about the fields that tell of the client; "|" stands
// for the ends of lines.
func TestAppendForwarded(t *testing.T) {
	four, six := netip.MustParseAddr("203.0.113.9"), netip.MustParseAddr("2001:db8::9")
	by, bySix := netip.MustParseAddr("10.0.0.2"), netip.MustParseAddr("fe80::1%eth0")
	for _, tt := range []struct {
		name, fields string
		peer         netip.Addr
		https        bool
		relay        Relay
		want         string
	}{
		{
			"a client of its own", "", four, false,
			Relay{},
			`X-Forwarded-For: 203.0.113.9|X-Forwarded-Proto: http|X-Forwarded-Host: h:81|Forwarded: for=203.0.113.9;host="h:81";proto=http`,
		},
		{
			"over TLS, of IPv6", "", six, true,
			Relay{},
			`X-Forwarded-For: 2001:db8::9|X-Forwarded-Proto: https|X-Forwarded-Host: h:81|Forwarded: for="[2001:db8::9]";host="h:81";proto=https`,
		},
		{
			"of a zone", "", bySix, false,
			Relay{},
			`X-Forwarded-For: fe80::1|X-Forwarded-Proto: http|X-Forwarded-Host: h:81|Forwarded: for="[fe80::1]";host="h:81";proto=http`,
		},
		{
			"on a unix socket", "",
			netip.Addr{},
			false,
			Relay{},
			`X-Forwarded-For: unknown|X-Forwarded-Proto: http|X-Forwarded-Host: h:81|Forwarded: for=unknown;host="h:81";proto=http`,
		},
		{
			"a peer that is not trusted", "X-Forwarded-For: 1.1.1.1\r\nForwarded: for=1.1.1.1\r\n", four, false,
			Relay{List: http1.XForwardedFor},
			`X-Forwarded-For: 203.0.113.9|X-Forwarded-Proto: http|X-Forwarded-Host: h:81|Forwarded: for=203.0.113.9;host="h:81";proto=http`,
		},
		{
			"a trusted peer for itself", "", by, false,
			Relay{Trusted: true, By: by},
			`X-Forwarded-For: 10.0.0.2|X-Forwarded-Proto: http|X-Forwarded-Host: h:81|Forwarded: for=10.0.0.2;host="h:81";proto=http`,
		},
		{
			"a list that goes on", "X-Forwarded-For: 1.1.1.1 ,203.0.113.9\r\nX-Forwarded-For:\r\nX-Forwarded-For: 10.0.0.3\r\n", four, true,
			Relay{Trusted: true, By: by, List: http1.XForwardedFor, Host: []byte("a.test")},
			`X-Forwarded-For: 1.1.1.1 ,203.0.113.9, 10.0.0.3, 10.0.0.2|X-Forwarded-Proto: https|X-Forwarded-Host: a.test|` +
				`Forwarded: for=203.0.113.9;host="a.test";proto=https, for=10.0.0.2;host="h:81";proto=http`,
		},
		{
			"Forwarded that goes on", "Forwarded: for=203.0.113.9;proto=https\r\nForwarded: for=10.0.0.3\r\n", four, true,
			Relay{Trusted: true, By: bySix, HTTPS: true, List: http1.Forwarded},
			`X-Forwarded-For: 203.0.113.9, fe80::1|X-Forwarded-Proto: https|X-Forwarded-Host: h:81|` +
				`Forwarded: for=203.0.113.9;proto=https, for=10.0.0.3, for="[fe80::1]";host="h:81";proto=https`,
		},
		{
			"what is said on a unix socket", "X-Forwarded-For: 203.0.113.9\r\n", four, false,
			Relay{Trusted: true, List: http1.XForwardedFor},
			`X-Forwarded-For: 203.0.113.9, unknown|X-Forwarded-Proto: http|X-Forwarded-Host: h:81|` +
				`Forwarded: for=203.0.113.9;host="h:81";proto=http, for=unknown;host="h:81";proto=http`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := mustAsk(t, "/", "http://up", "", "GET / HTTP/1.1\r\nHost: h:81\r\n"+tt.fields+"\r\n")
			a.r.Peer, a.r.HTTPS, a.r.Relay = tt.peer, tt.https, tt.relay
			want := "GET / HTTP/1.1\r\nHost: h:81\r\n" + strings.ReplaceAll(tt.want, "|", "\r\n") + "\r\nVia: 1.1 anygate\r\n\r\n"
			if got := a.append(t); got != want {
				t.Errorf("got  %q\nwant %q", got, want)
			}
		})
	}
}

// TestRequestRoomOfRelay fills everything that is written on behalf of others
// to its greatest length.
func TestRequestRoomOfRelay(t *testing.T) {
	long := netip.MustParseAddr("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255")
	host := strings.Repeat("h", 255) + ":65535"
	for _, list := range []http1.FieldID{http1.FieldOther, http1.XForwardedFor, http1.Forwarded} {
		for _, fields := range []string{"", strings.Repeat("Forwarded:a\r\nX-Forwarded-For:a\r\n", 40)} {
			a := mustAsk(t, "/", "http://up", "", "OPTIONS / HTTP/1.1\r\nHost: "+host+"\r\nMax-Forwards: 9999\r\n"+fields+"Transfer-Encoding: chunked\r\n\r\n")
			a.r.Peer, a.r.HTTPS = long, true
			a.r.Relay = Relay{Trusted: true, By: long.Prev(), HTTPS: true, List: list, Host: []byte(host)}
			a.append(t)
		}
	}
}

func TestAppendForwardedAllocatesNothing(t *testing.T) {
	a := mustAsk(t, "/", "http://up", "", "GET / HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 1.1.1.1, 203.0.113.9\r\n\r\n")
	a.r.Peer = netip.MustParseAddr("203.0.113.9")
	a.r.Relay = Relay{Trusted: true, By: netip.MustParseAddr("fe80::1"), List: http1.XForwardedFor, Host: []byte("a.test")}
	a.r.Source, a.r.Destination = netip.MustParseAddrPort("203.0.113.9:0"), netip.MustParseAddrPort("[2001:db8::1]:443")
	dst := make([]byte, 0, 4096)
	if n := testing.AllocsPerRun(100, func() {
		dst = appendForwarded(dst[:0], &a.r, []byte("h"))
		dst = appendPreamble(dst[:0], 2, &a.r)
		dst = appendPreamble(dst[:0], 1, &a.r)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
