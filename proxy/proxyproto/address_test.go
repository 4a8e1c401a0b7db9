package proxyproto

import (
	"net/netip"
	"testing"
)

// addresses are texts near what an address is; netip is the oracle.
var addresses = []string{
	"0.0.0.0", "255.255.255.255", "192.0.2.1", "256.0.0.1", "1.2.3", "1.2.3.4.5", "1.2.3.4.", ".1.2.3", "1..2.3", "01.2.3.4", "1.2.3.04", "1.2.3.a", "", " 1.2.3.4",
	"::", "::1", "1::", "1::2", "2001:db8::1", "2001:DB8::A", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8", "1:2:3:4::5:6:7:8",
	"1::2::3", ":::", ":1", "1:", "1:2:", "::1:", "12345::", "::12345", "g::", "::ffff:192.0.2.1", "::192.0.2.1", "1:2:3:4:5:6:192.0.2.1", "1:2:3:4:5:6:7:192.0.2.1",
	"1:2:3:4:5::192.0.2.1", "1:2:3:4:5:6::192.0.2.1", "::192.0.2", "::192.0.2.1:1", "::1.2.3.4.5", "::1.2.3.256", "fe80::1%eth0", "::ffff:0:0", "0:0:0:0:0:0:0:0", "::00000", "::.1.2.3", "1:2:3:4:5:6:7:",
}

func TestParseAddr(t *testing.T) {
	for _, s := range addresses {
		checkAddr(t, s)
	}
}

// checkAddr compares with netip, which knows zones besides.
func checkAddr(t *testing.T, s string) {
	t.Helper()
	want, err := netip.ParseAddr(s)
	ok := err == nil && want.Zone() == ""
	if !ok {
		want = netip.Addr{}
	}
	if got, fine := ParseAddr([]byte(s)); got != want || fine != ok {
		t.Errorf("%q is %v, %t, want %v, %t", s, got, fine, want, ok)
	}
}

func TestParsePort(t *testing.T) {
	for s, want := range map[string]int{"0": 0, "1": 1, "443": 443, "65535": 65535, "65536": -1, "99999": -1, "100000": -1, "00": -1, "01": -1, "": -1, "-1": -1, "1 ": -1} {
		if got, ok := ParsePort([]byte(s)); ok != (want >= 0) || ok && int(got) != want {
			t.Errorf("%q is %d, %t, want %d", s, got, ok, want)
		}
	}
}
