package gateway

import (
	"net/netip"
	"testing"
)

func prefixes(list ...string) (p []netip.Prefix) {
	for _, s := range list {
		p = append(p, netip.MustParsePrefix(s))
	}
	return p
}

func TestTrust(t *testing.T) {
	trust := NewTrust(prefixes("10.0.0.0/8", "10.1.0.0/16", "192.0.2.7/32", "10.0.0.0/24", "172.16.0.0/12", "127.0.0.0/8", "::1/128",
		"2001:db8::/32", "2001:db8:1::/48", "fd00::/8", "2001:db9::8000:0:0:0/65", "::ffff:198.51.100.0/120"))
	for s, want := range map[string]bool{
		"10.0.0.0": true, "10.255.255.255": true, "10.1.2.3": true, "9.255.255.255": false, "11.0.0.0": false,
		"192.0.2.7": true, "192.0.2.6": false, "192.0.2.8": false, "172.15.255.255": false, "172.16.0.0": true, "172.31.255.255": true, "172.32.0.0": false,
		"127.0.0.1": true, "0.0.0.0": false, "255.255.255.255": false, "::ffff:10.0.0.1": true, "::ffff:11.0.0.1": false,
		"::1": true, "::": false, "::2": false, "2001:db8::": true, "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff": true, "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff": false,
		"2001:db9::": false, "2001:db9::7fff:ffff:ffff:ffff": false, "2001:db9::8000:0:0:0": true, "2001:db9::ffff:ffff:ffff:ffff": true, "2001:db9:0:1::": false,
		"fd12::1": true, "fe80::1": false, "fe80::1%eth0": false, "198.51.100.200": true, "198.51.101.0": false,
	} {
		if got := trust.Contains(netip.MustParseAddr(s)); got != want {
			t.Errorf("%s: %t, want %t", s, got, want)
		}
	}
	if trust.Contains(netip.Addr{}) || trust.Empty() {
		t.Error("a unix socket is trusted, or nobody is")
	}
	if len(trust.four) != 5 || len(trust.six) != 4 {
		t.Errorf("%d and %d ranges are left, want 5 and 4", len(trust.four), len(trust.six))
	}
}

func TestTrustOfEveryoneAndNobody(t *testing.T) {
	none := NewTrust(nil)
	if !none.Empty() || none.Contains(netip.MustParseAddr("10.0.0.1")) || none.Contains(netip.IPv6Unspecified()) {
		t.Error("somebody is trusted")
	}
	four, six := NewTrust(prefixes("0.0.0.0/0")), NewTrust(prefixes("::/0"))
	for _, s := range []string{"0.0.0.0", "10.0.0.1", "255.255.255.255", "::ffff:1.2.3.4"} {
		if a := netip.MustParseAddr(s); !four.Contains(a) || six.Contains(a) {
			t.Errorf("%s is of the other family", s)
		}
	}
	for _, s := range []string{"::", "2001:db8::1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"} {
		if a := netip.MustParseAddr(s); four.Contains(a) || !six.Contains(a) {
			t.Errorf("%s is of the other family", s)
		}
	}
}

// FuzzTrust compares with the prefixes one by one.
func FuzzTrust(f *testing.F) {
	f.Add([]byte{10, 0, 0, 0, 8, 10, 1, 0, 0, 16, 10, 2, 3, 4})
	f.Add([]byte{0, 0, 0, 0, 0, 255, 255, 255, 255, 32, 255, 255, 255, 254})
	f.Add([]byte{128, 0, 0, 0, 1, 192, 0, 0, 0, 2, 224, 0, 0, 0, 3, 200, 0, 0, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		var list []netip.Prefix
		for len(b) >= 5+4 && len(list) < 64 {
			list = append(list, netip.PrefixFrom(netip.AddrFrom4([4]byte(b)), int(b[4])%33).Masked())
			// The same bits at both ends of an IPv6 address.
			var a [16]byte
			copy(a[:], b[:4])
			copy(a[12:], b[:4])
			list = append(list, netip.PrefixFrom(netip.AddrFrom16(a), int(b[4])%129).Masked())
			b = b[5:]
		}
		if len(b) < 4 {
			return
		}
		trust := NewTrust(list)
		var a [16]byte
		copy(a[:], b[:4])
		copy(a[12:], b[:4])
		for _, addr := range []netip.Addr{netip.AddrFrom4([4]byte(b)), netip.AddrFrom16(a)} {
			want := false
			for _, p := range list {
				want = want || p.Contains(addr.Unmap())
			}
			if got := trust.Contains(addr); got != want {
				t.Fatalf("%v in %v: %t, want %t", addr, list, got, want)
			}
		}
	})
}

func BenchmarkTrust(b *testing.B) {
	var list []netip.Prefix
	for i := range 256 {
		list = append(list, netip.PrefixFrom(netip.AddrFrom4([4]byte{byte(i), 1, 0, 0}), 16))
	}
	trust, a := NewTrust(list), netip.MustParseAddr("77.1.2.3")
	b.ReportAllocs()
	for b.Loop() {
		if !trust.Contains(a) {
			b.Fatal("not found")
		}
	}
}
