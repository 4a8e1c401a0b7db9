package proxy

import (
	"net/netip"
	"testing"

	"github.com/anygate/anygate/proxy/proxyproto"
)

func TestAppendPreamble(t *testing.T) {
	client, server := netip.MustParseAddrPort("203.0.113.9:4711"), netip.MustParseAddrPort("198.51.100.1:443")
	six := netip.MustParseAddrPort("[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535")
	for _, tt := range []struct {
		name    string
		version uint8
		r       Request
		want    proxyproto.Header
	}{
		{"v1", 1, Request{Source: client, Destination: server}, proxyproto.Header{Version: 1, Source: client, Destination: server}},
		{"v2", 2, Request{Source: client, Destination: server}, proxyproto.Header{Version: 2, Source: client, Destination: server}},
		{"v1 of the greatest length", 1, Request{Source: six, Destination: six}, proxyproto.Header{Version: 1, Source: six, Destination: six}},
		{"v2 of the greatest length", 2, Request{Source: six, Destination: six}, proxyproto.Header{Version: 2, Source: six, Destination: six}},
		{"v1 of a unix socket", 1, Request{}, proxyproto.Header{Version: 1}},
		{"v2 of a unix socket", 2, Request{}, proxyproto.Header{Version: 2}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := appendPreamble([]byte("before"), tt.version, &tt.r)[len("before"):]
			if len(got) > preambleRoom {
				t.Errorf("%d bytes, there is room for %d", len(got), preambleRoom)
			}
			var h proxyproto.Header
			if n, err := proxyproto.Parse(got, &h); n != len(got) || err != proxyproto.OK {
				t.Fatalf("%q is parsed as %d, %v", got, n, err)
			}
			if h.Version != tt.want.Version || h.Source != tt.want.Source || h.Destination != tt.want.Destination {
				t.Errorf("%+v, want %+v", h, tt.want)
			}
			if _, ok := h.TLVs.Find(proxyproto.CRC32C); ok != (tt.version == 2 && h.Source.IsValid()) {
				t.Errorf("there is a checksum: %t", ok)
			}
		})
	}
}
