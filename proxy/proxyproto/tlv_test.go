package proxyproto

import (
	"encoding/binary"
	"strings"
	"testing"
)

// crcByBit is CRC32C (RFC 3720, section 12.1) as its definition has it.
func crcByBit(b []byte) uint32 {
	sum := ^uint32(0)
	for _, c := range b {
		sum ^= uint32(c)
		for range 8 {
			sum = sum>>1 ^ 0x82f63b78&-(sum&1)
		}
	}
	return ^sum
}

func TestChecksum(t *testing.T) {
	b := Append([]byte("before"), 2, fromFour, toFour)
	b, ok := AppendChecksum(b, 6)
	header := b[6:]
	if !ok || string(header[31:]) != sumFour {
		t.Errorf("the checksum is %q, want %q", header[31:], sumFour)
	}
	cleared := append(append([]byte{}, header[:31]...), 0, 0, 0, 0)
	if want := crcByBit(cleared); binary.BigEndian.Uint32(header[31:]) != want {
		t.Errorf("the checksum is %x, want %08x", header[31:], want)
	}
	// Every bit of the header counts, as far as it leaves one.
	for i := range len(header) * 8 {
		flipped := append([]byte{}, header...)
		flipped[i/8] ^= 1 << (i % 8)
		var h Header
		if n, err := Parse(flipped, &h); n != 0 && err == OK && !h.Local && h.TLVs != nil && i/8 < 28 {
			t.Errorf("with bit %d flipped it is accepted: %+v", i, h)
		}
	}
}

func TestTLVs(t *testing.T) {
	b := Append(nil, 2, fromSix, toSix)
	ssl := "\x01\x00\x00\x00\x00" + "\x21\x00\x07TLSv1.3" + "\x22\x00\x06a.test"
	var ok bool
	for _, tlv := range []struct {
		kind  Type
		value string
	}{{ALPN, "h2"}, {Authority, "a.test"}, {Noop, "fill"}, {UniqueID, "1234"}, {SSL, ssl}, {NetNS, "blue"}} {
		if b, ok = AppendTLV(b, 0, tlv.kind, []byte(tlv.value)); !ok {
			t.Fatalf("no room for %#x", tlv.kind)
		}
	}
	if b, ok = AppendChecksum(b, 0); !ok {
		t.Fatal("no room for the checksum")
	}
	var h Header
	if n, err := Parse(b, &h); n != len(b) || err != OK {
		t.Fatalf("%d of %d, %v", n, len(b), err)
	}
	for kind, want := range map[Type]string{ALPN: "h2", Authority: "a.test", UniqueID: "1234", SSL: ssl, NetNS: "blue"} {
		if got, ok := h.TLVs.Find(kind); !ok || string(got) != want {
			t.Errorf("%#x is %q, %t, want %q", kind, got, ok, want)
		}
	}
	if _, ok := h.TLVs.Find(0xee); ok {
		t.Error("a TLV was found that is not there")
	}
	if !h.Secure() {
		t.Error("the client's connection was encrypted")
	}
	value, _ := h.TLVs.Find(SSL)
	if name, ok := Sub(value).Find(0x22); !ok || string(name) != "a.test" {
		t.Errorf("the certificate's name is %q", name)
	}
	if Sub(value[:4]) != nil {
		t.Error("a part of SSL has TLVs")
	}
	plain := Header{TLVs: TLVs("\x20\x00\x05\x00\x00\x00\x00\x00")}
	if plain.Secure() || (&Header{}).Secure() {
		t.Error("the client's connection was not encrypted")
	}
}

// TestAppendTLVBound fills a header to its greatest length.
func TestAppendTLVBound(t *testing.T) {
	b := Append(nil, 2, fromFour, toFour)
	long := []byte(strings.Repeat("x", MaxLength-len(b)-tlvHead))
	if got, ok := AppendTLV(b, 0, NetNS, append(long, 'x')); ok || len(got) != len(b) {
		t.Errorf("%d bytes fit", len(got))
	}
	b, ok := AppendTLV(b, 0, NetNS, long)
	if !ok || len(b) != MaxLength {
		t.Fatalf("%d bytes, %t", len(b), ok)
	}
	var h Header
	if n, err := Parse(b, &h); n != MaxLength || err != OK {
		t.Errorf("%d, %v", n, err)
	}
	if _, ok := AppendChecksum(b, 0); ok {
		t.Error("a checksum fits behind it")
	}
}
