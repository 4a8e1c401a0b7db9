package access

import (
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
)

func prefixes(s string) (list []netip.Prefix) {
	for _, f := range strings.Fields(s) {
		list = append(list, netip.MustParsePrefix(f))
	}
	return list
}

func TestAllows(t *testing.T) {
	for _, c := range []struct {
		allow, deny string
		yes, no     string
	}{
		{"", "", "0.0.0.0 255.255.255.255 :: 2001:db8::1", ""},
		{"10.0.0.0/8", "", "10.0.0.0 10.255.255.255 ::ffff:10.1.2.3", "9.255.255.255 11.0.0.0 :: ::1 a00::1"},
		{"", "10.0.0.0/8", "9.255.255.255 11.0.0.0 ::1", "10.0.0.0 10.9.9.9 10.255.255.255"},
		{"10.0.0.0/8", "10.9.0.0/16", "10.8.255.255 10.10.0.0", "10.9.0.0 10.9.255.255 11.0.0.0"},
		{"10.0.0.0/8", "0.0.0.0/0 ::/0", "10.0.0.0 10.255.255.255", "9.9.9.9 ::1"},
		{"10.9.9.0/24 10.0.0.0/8", "10.9.0.0/16", "10.9.9.9 10.8.0.0 10.255.255.255", "10.9.8.0 10.9.10.0"},
		{"10.0.0.0/8", "10.0.0.0/8", "", "10.0.0.1 11.0.0.0"},
		{"10.0.0.0/8", "10.255.255.0/24", "10.255.254.255", "10.255.255.0 10.255.255.255 11.0.0.0"},
		{"0.0.0.0/0", "255.255.255.255/32 0.0.0.0/32", "0.0.0.1 255.255.255.254", "0.0.0.0 255.255.255.255 ::"},
		{"2001:db8::/32 ::1/128", "2001:db8:1::/48", "2001:db8::1 2001:db8:2:: ::1 2001:db8:ffff::", "2001:db8:1::5 2001:db9:: :: 10.0.0.1"},
		{"", "ffff:ffff::/32", "10.0.0.1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
		{"::ffff:192.0.2.0/120", "", "192.0.2.9", "::1 192.0.3.0"},
		{"fe80::/10", "", "fe80::1%eth0", "fec0::"},
	} {
		l := New(prefixes(c.allow), prefixes(c.deny))
		for _, a := range strings.Fields(c.yes) {
			if !l.Allows(netip.MustParseAddr(a)) {
				t.Errorf("allow %s | deny %s refuses %s", c.allow, c.deny, a)
			}
		}
		for _, a := range strings.Fields(c.no) {
			if l.Allows(netip.MustParseAddr(a)) {
				t.Errorf("allow %s | deny %s lets %s in", c.allow, c.deny, a)
			}
		}
		if got := l.Allows(netip.Addr{}); got != (c.allow == "") {
			t.Errorf("allow %s | deny %s: a client without an address gets %v", c.allow, c.deny, got)
		}
	}
}

// TestAgainstTheRule compares lists drawn at random with the sentence that
// describes them: the longest prefix decides, deny among equals.
func TestAgainstTheRule(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	draw := func() (list []netip.Prefix) {
		for range r.IntN(6) {
			a := netip.AddrFrom4([4]byte{byte(r.IntN(3)), byte(r.IntN(3)), 0, byte(r.IntN(256))})
			p, _ := a.Prefix(r.IntN(33))
			list = append(list, p)
		}
		return list
	}
	longest := func(list []netip.Prefix, a netip.Addr) int {
		most := -1
		for _, p := range list {
			if p.Contains(a) {
				most = max(most, p.Bits())
			}
		}
		return most
	}
	for range 2000 {
		allow, deny := draw(), draw()
		l := New(allow, deny)
		for range 20 {
			a := netip.AddrFrom4([4]byte{byte(r.IntN(3)), byte(r.IntN(3)), byte(r.IntN(2) * 255), byte(r.IntN(256))})
			in, out := longest(allow, a), longest(deny, a)
			want := in > out || in < 0 && out < 0 && len(allow) == 0
			if l.Allows(a) != want {
				t.Fatalf("allow %v | deny %v: %v gets %v", allow, deny, a, !want)
			}
		}
	}
}

func TestAllowsAllocatesNothing(t *testing.T) {
	l := New(prefixes("10.0.0.0/8 2001:db8::/32"), prefixes("10.9.0.0/16"))
	four, six := netip.MustParseAddr("10.9.1.1"), netip.MustParseAddr("fe80::1%eth0")
	if n := testing.AllocsPerRun(100, func() { l.Allows(four); l.Allows(six) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkAllows(b *testing.B) {
	var deny []netip.Prefix
	for i := range 10_000 {
		deny = append(deny, netip.PrefixFrom(netip.AddrFrom4([4]byte{11, byte(i >> 8), byte(i), 0}), 24))
	}
	l := New(nil, deny)
	a := netip.MustParseAddr("11.20.7.9")
	for b.Loop() {
		l.Allows(a)
	}
}
