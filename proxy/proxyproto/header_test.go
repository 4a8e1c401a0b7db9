package proxyproto

import (
	"net/netip"
	"strings"
	"testing"
)

const sig = "\r\n\r\n\x00\r\nQUIT\n"

// The addresses of the v2 headers below: 192.0.2.1:56324 and 198.51.100.1:443, 2001:db8::1 and 2001:db8::2.
const (
	blockFour = "\xc0\x00\x02\x01\xc6\x33\x64\x01\xdc\x04\x01\xbb"
	blockSix  = "\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01" +
		"\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\xdc\x04\x01\xbb"
)

var (
	fromFour, toFour = netip.MustParseAddrPort("192.0.2.1:56324"), netip.MustParseAddrPort("198.51.100.1:443")
	fromSix, toSix   = netip.MustParseAddrPort("[2001:db8::1]:56324"), netip.MustParseAddrPort("[2001:db8::2]:443")
)

// accepted are headers and what they say.
var accepted = []struct {
	name, in string
	want     Header
}{
	{"v1 TCP4", "PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n", Header{Version: 1, Source: fromFour, Destination: toFour}},
	{"v1 TCP6", "PROXY TCP6 2001:db8::1 2001:DB8:0:0::2 56324 443\r\n", Header{Version: 1, Source: fromSix, Destination: toSix}},
	{
		"v1 TCP6 of mapped addresses", "PROXY TCP6 ::ffff:192.0.2.1 ::ffff:c633:6401 0 65535\r\n",
		Header{Version: 1, Source: netip.MustParseAddrPort("[::ffff:192.0.2.1]:0"), Destination: netip.MustParseAddrPort("[::ffff:198.51.100.1]:65535")},
	},
	{
		"v1 of the greatest length of TCP6",
		"PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
		Header{Version: 1, Source: netip.MustParseAddrPort("[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535"), Destination: netip.MustParseAddrPort("[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535")},
	},
	{"v1 UNKNOWN", "PROXY UNKNOWN\r\n", Header{Version: 1}},
	{"v1 UNKNOWN with a rest", "PROXY UNKNOWN TCP4 1 2 \x00 3\r\n", Header{Version: 1}},
	{"v1 of 107 bytes", "PROXY UNKNOWN " + strings.Repeat("x", 91) + "\r\n", Header{Version: 1}},
	{"v2 LOCAL", sig + "\x20\x00\x00\x00", Header{Version: 2, Local: true}},
	{"v2 LOCAL with a block to be ignored", sig + "\x20\xff\x00\x03\x01\x02\x03", Header{Version: 2, Local: true}},
	{"v2 TCP over IPv4", sig + "\x21\x11\x00\x0c" + blockFour, Header{Version: 2, Source: fromFour, Destination: toFour}},
	{"v2 UDP over IPv4", sig + "\x21\x12\x00\x0c" + blockFour, Header{Version: 2, Source: fromFour, Destination: toFour}},
	{"v2 TCP over IPv6", sig + "\x21\x21\x00\x24" + blockSix, Header{Version: 2, Source: fromSix, Destination: toSix}},
	{"v2 UNSPEC", sig + "\x21\x00\x00\x00", Header{Version: 2}},
	{"v2 UNSPEC with something behind it", sig + "\x21\x00\x00\x02\xff\xff", Header{Version: 2}},
	{"v2 unix", sig + "\x21\x31\x00\xd8" + "/run/client" + strings.Repeat("\x00", 205), Header{Version: 2}},
	{
		"v2 with TLVs",
		sig + "\x21\x11\x00\x2d" + blockFour + "\x01\x00\x02h2" + "\x02\x00\x07a.test." + "\x04\x00\x00" + "\x05\x00\x02id" + "\x30\x00\x03ns0" + "\xe0\x00\x01x",
		Header{Version: 2, Source: fromFour, Destination: toFour, TLVs: TLVs("\x01\x00\x02h2\x02\x00\x07a.test.\x04\x00\x00\x05\x00\x02id\x30\x00\x03ns0\xe0\x00\x01x")},
	},
	{
		"v2 with SSL",
		sig + "\x21\x11\x00\x1e" + blockFour + "\x20\x00\x0f\x01\x00\x00\x00\x00" + "\x21\x00\x07TLSv1.3",
		Header{Version: 2, Source: fromFour, Destination: toFour, TLVs: TLVs("\x20\x00\x0f\x01\x00\x00\x00\x00\x21\x00\x07TLSv1.3")},
	},
	{
		"v2 with a checksum",
		sig + "\x21\x11\x00\x13" + blockFour + "\x03\x00\x04" + sumFour,
		Header{Version: 2, Source: fromFour, Destination: toFour, TLVs: TLVs("\x03\x00\x04" + sumFour)},
	},
}

// sumFour is the CRC32C of the header that holds it above, computed bit by bit in TestChecksum.
const sumFour = "\x73\x7e\xe9\x19"

// malformed are bytes that are no header, and why.
var malformed = []struct {
	name, in string
	want     Error
}{
	{"a request of HTTP", "GET / HTTP/1.1\r\nHost: h\r\n\r\n", ErrSignature},
	{"a handshake of TLS", "\x16\x03\x01\x02\x00\x01", ErrSignature},
	{"an empty line", "\r\nGET", ErrSignature},
	{"small letters", "proxy TCP4", ErrSignature},
	{"v1 without a protocol", "PROXY\r\n", ErrSignature},
	{"v1 with two spaces", "PROXY  TCP4 192.0.2.1 198.51.100.1 56324 443\r\n", ErrProtocol},
	{"v1 of another protocol", "PROXY UDP4 192.0.2.1 198.51.100.1 56324 443\r\n", ErrProtocol},
	{"v1 UNKNOWN without a separator", "PROXY UNKNOWNX\r\n", ErrProtocol},
	{"v1 that ends after the protocol", "PROXY TCP4\r\n", ErrLine},
	{"v1 that ends after an address", "PROXY TCP4 192.0.2.1 198.51.100.1\r\n", ErrLine},
	{"v1 without the second port", "PROXY TCP4 192.0.2.1 198.51.100.1 56324\r\n", ErrLine},
	{"v1 with a word too many", "PROXY TCP4 192.0.2.1 198.51.100.1 56324 443 1\r\n", ErrPort},
	{"v1 with a space at its end", "PROXY TCP4 192.0.2.1 198.51.100.1 56324 443 \r\n", ErrPort},
	{"v1 that ends with LF", "PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\n", ErrLine},
	{"v1 with a bare CR", "PROXY TCP4 192.0.2.1\r198.51.100.1 56324 443\r\n", ErrLine},
	{"v1 with IPv6 in TCP4", "PROXY TCP4 ::1 ::1 56324 443\r\n", ErrAddress},
	{"v1 with IPv4 in TCP6", "PROXY TCP6 192.0.2.1 198.51.100.1 56324 443\r\n", ErrAddress},
	{"v1 with a leading zero", "PROXY TCP4 192.0.02.1 198.51.100.1 56324 443\r\n", ErrAddress},
	{"v1 with a zone", "PROXY TCP6 fe80::1%eth0 ::1 56324 443\r\n", ErrAddress},
	{"v1 with a name", "PROXY TCP4 localhost 198.51.100.1 56324 443\r\n", ErrAddress},
	{"v1 with a port of six digits", "PROXY TCP4 192.0.2.1 198.51.100.1 065324 443\r\n", ErrPort},
	{"v1 with a port too great", "PROXY TCP4 192.0.2.1 198.51.100.1 65536 443\r\n", ErrPort},
	{"v1 with a sign", "PROXY TCP4 192.0.2.1 198.51.100.1 +1 443\r\n", ErrPort},
	{"v1 of 108 bytes", "PROXY UNKNOWN " + strings.Repeat("x", 92) + "\r\n", ErrTooLong},
	{"v1 without an end", "PROXY UNKNOWN " + strings.Repeat("x", 93), ErrTooLong},
	{"v2 of version 1", sig + "\x11", ErrVersion},
	{"v2 of version 3", sig + "\x31", ErrVersion},
	{"v2 of another command", sig + "\x22", ErrCommand},
	{"v2 of another family", sig + "\x21\x41", ErrFamily},
	{"v2 of another transport", sig + "\x21\x13", ErrFamily},
	{"v2 IPv4 without a transport", sig + "\x21\x10", ErrFamily},
	{"v2 a transport without a family", sig + "\x21\x01", ErrFamily},
	{"v2 with too little for IPv4", sig + "\x21\x11\x00\x0b", ErrLength},
	{"v2 with too little for IPv6", sig + "\x21\x21\x00\x0c", ErrLength},
	{"v2 with too little for unix", sig + "\x21\x31\x00\xd7", ErrLength},
	{"v2 of 4 KiB and a byte", sig + "\x21\x11\x0f\xf1", ErrTooLong},
	{"v2 of the greatest length", sig + "\x21\x11\xff\xff", ErrTooLong},
	{"v2 LOCAL of the greatest length", sig + "\x20\x00\xff\xff", ErrTooLong},
	{"v2 with half a TLV", sig + "\x21\x11\x00\x0e" + blockFour + "\x01\x00", ErrTLV},
	{"v2 with a TLV that exceeds the header", sig + "\x21\x11\x00\x0f" + blockFour + "\x01\x00\x01", ErrTLV},
	{"v2 with a giant TLV", sig + "\x21\x11\x00\x10" + blockFour + "\x01\xff\xff\x00", ErrTLV},
	{"v2 with a short checksum", sig + "\x21\x11\x00\x12" + blockFour + "\x03\x00\x03\x01\x02\x03", ErrTLV},
	{"v2 with a wrong checksum", sig + "\x21\x11\x00\x13" + blockFour + "\x03\x00\x04\x01\x02\x03\x04", ErrChecksum},
	{"v2 with a long identifier", sig + "\x21\x11\x00\x90" + blockFour + "\x05\x00\x81" + strings.Repeat("x", 129), ErrTLV},
	{"v2 with a short SSL", sig + "\x21\x11\x00\x13" + blockFour + "\x20\x00\x04\x01\x00\x00\x00", ErrTLV},
	{"v2 with half a TLV in SSL", sig + "\x21\x11\x00\x16" + blockFour + "\x20\x00\x07\x01\x00\x00\x00\x00\x21\x00", ErrTLV},
}

func equal(a, b *Header) bool {
	return a.Version == b.Version && a.Local == b.Local && a.Source == b.Source && a.Destination == b.Destination &&
		string(a.TLVs) == string(b.TLVs)
}

// TestParse parses every header with something behind it, and every part of it.
func TestParse(t *testing.T) {
	for _, tt := range accepted {
		t.Run(tt.name, func(t *testing.T) {
			var h Header
			for i := range tt.in {
				if n, err := Parse([]byte(tt.in[:i]), &h); n != 0 || err != OK {
					t.Fatalf("the first %d bytes of %d give %d, %v", i, len(tt.in), n, err)
				}
			}
			for _, behind := range []string{"", "GET /", tt.in, "\x16\x03\x01"} {
				if n, err := Parse([]byte(tt.in+behind), &h); n != len(tt.in) || err != OK {
					t.Fatalf("%d, %v, want %d", n, err, len(tt.in))
				}
				if !equal(&h, &tt.want) {
					t.Errorf("%+v, want %+v", h, tt.want)
				}
			}
		})
	}
}

func TestParseMalformed(t *testing.T) {
	for _, tt := range malformed {
		t.Run(tt.name, func(t *testing.T) {
			var h Header
			if n, err := Parse([]byte(tt.in), &h); n != 0 || err != tt.want {
				t.Fatalf("%d, %v, want %v", n, err, tt.want)
			}
			// No part of it is a header, and none is refused for another reason.
			for i := range tt.in {
				if n, err := Parse([]byte(tt.in[:i]), &h); n != 0 || err != OK && err != tt.want {
					t.Errorf("the first %d bytes give %d, %v", i, n, err)
				}
			}
			if h.Source.IsValid() || h.TLVs != nil {
				t.Errorf("something is left of it: %+v", h)
			}
		})
	}
}

// TestErrorsHaveTests makes sure that the table above has every error, and that each has a code of its own.
func TestErrorsHaveTests(t *testing.T) {
	seen, named := map[Error]bool{}, map[string]bool{}
	for _, tt := range malformed {
		seen[tt.want] = true
	}
	for e := ErrSignature; e < numErrors; e++ {
		if !seen[e] || e.Error() == "" || named[e.Error()] {
			t.Errorf("%d, %q: tested %t, named before %t", e, e.Error(), seen[e], named[e.Error()])
		}
		named[e.Error()] = true
	}
	if numErrors.Error() != "unknown" {
		t.Error("a number that is no error has a name")
	}
}

func TestAppend(t *testing.T) {
	none := netip.AddrPort{}
	mapped := netip.MustParseAddrPort("[::ffff:192.0.2.1]:56324")
	zoned := netip.MustParseAddrPort("[fe80::1%eth0]:1")
	for _, tt := range []struct {
		name     string
		version  uint8
		from, to netip.AddrPort
		want     string
	}{
		{"v1 IPv4", 1, fromFour, toFour, "PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n"},
		{"v1 IPv6", 1, fromSix, toSix, "PROXY TCP6 2001:db8::1 2001:db8::2 56324 443\r\n"},
		{"v1 mapped", 1, mapped, toFour, "PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n"},
		{"v1 mixed", 1, fromFour, toSix, "PROXY TCP6 ::ffff:192.0.2.1 2001:db8::2 56324 443\r\n"},
		{"v1 mixed the other way", 1, fromSix, toFour, "PROXY TCP6 2001:db8::1 ::ffff:198.51.100.1 56324 443\r\n"},
		{"v1 without a zone", 1, zoned, toSix, "PROXY TCP6 fe80::1 2001:db8::2 1 443\r\n"},
		{"v1 of a client that is not known", 1, none, toFour, "PROXY UNKNOWN\r\n"},
		{"v1 of a destination that is not known", 1, fromFour, none, "PROXY UNKNOWN\r\n"},
		{"v2 IPv4", 2, fromFour, toFour, sig + "\x21\x11\x00\x0c" + blockFour},
		{"v2 IPv6", 2, fromSix, toSix, sig + "\x21\x21\x00\x24" + blockSix},
		{"v2 mapped", 2, mapped, toFour, sig + "\x21\x11\x00\x0c" + blockFour},
		{
			"v2 mixed", 2, fromFour, toSix,
			sig + "\x21\x21\x00\x24\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\xc0\x00\x02\x01" + blockSix[16:],
		},
		{"v2 of a client that is not known", 2, none, toFour, sig + "\x21\x00\x00\x00"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := Append([]byte("before"), tt.version, tt.from, tt.to)
			if string(got) != "before"+tt.want || len(tt.want) > Room {
				t.Fatalf("%q, want %q", got, tt.want)
			}
			var h Header
			if n, err := Parse(got[len("before"):], &h); n != len(tt.want) || err != OK {
				t.Errorf("it is parsed as %d, %v", n, err)
			}
		})
	}
}

func TestAppendLocal(t *testing.T) {
	for version, want := range map[uint8]string{1: "PROXY UNKNOWN\r\n", 2: sig + "\x20\x00\x00\x00"} {
		got := AppendLocal(nil, version)
		var h Header
		if n, err := Parse(got, &h); string(got) != want || n != len(got) || err != OK || h.Local != (version == 2) || h.Source.IsValid() {
			t.Errorf("version %d is %q, parsed as %+v, %v", version, got, h, err)
		}
	}
}

func TestAllocatesNothing(t *testing.T) {
	var h Header
	whole, broken := []byte(accepted[len(accepted)-1].in), []byte(malformed[17].in)
	six, line := []byte(accepted[1].in), make([]byte, 0, 256)
	if n := testing.AllocsPerRun(100, func() {
		Parse(whole, &h)
		Parse(six, &h)
		Parse(broken, &h)
		line = Append(line[:0], 1, fromFour, toSix)
		line = Append(line[:0], 2, fromFour, toSix)
		line, _ = AppendTLV(line, 0, UniqueID, six[:8])
		line, _ = AppendChecksum(line, 0)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
