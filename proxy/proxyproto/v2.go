package proxyproto

import (
	"encoding/binary"
	"net/netip"
)

// Version 2 is binary (section 2.2):
//
//	signature   12 bytes
//	version     4 bits, 2
//	command     4 bits, 0 LOCAL or 1 PROXY
//	family      4 bits, 0 UNSPEC, 1 INET, 2 INET6 or 3 UNIX
//	transport   4 bits, 0 UNSPEC, 1 STREAM or 2 DGRAM
//	length      2 bytes, of what follows
//	addresses   source and destination, as long as the family makes them
//	TLVs        the rest

const (
	fixedV2 = 16 // the part up to the length

	blockV4   = 4 + 4 + 2 + 2
	blockV6   = 16 + 16 + 2 + 2
	blockUnix = 108 + 108
)

// The families, in their place in the byte.
const (
	familyUnspec = 0x00
	familyV4     = 0x10
	familyV6     = 0x20
	familyUnix   = 0x30
)

// parseV2 reads a header that begins with signatureV2 as far as it goes.
func parseV2(p []byte, h *Header) (n int, err Error) {
	if len(p) > 12 && p[12]>>4 != 2 {
		return 0, ErrVersion
	}
	if len(p) > 12 && p[12]&0xf > 1 {
		return 0, ErrCommand
	}
	if len(p) <= 13 {
		return 0, OK
	}
	local := p[12]&0xf == 0
	block, known := blockOf(p[13])
	if !known && !local {
		return 0, ErrFamily
	}
	if len(p) < fixedV2 {
		return 0, OK
	}
	n = fixedV2 + int(binary.BigEndian.Uint16(p[14:]))
	switch {
	case n > MaxLength:
		return 0, ErrTooLong
	case !local && n < fixedV2+block:
		return 0, ErrLength
	case len(p) < n:
		return 0, OK
	}
	h.Version, h.Local = 2, local
	// Of a LOCAL connection everything is to be ignored, and of one of an unspecified family it is not known where
	// addresses end.
	if local || p[13] == familyUnspec {
		return n, OK
	}
	tlvs := TLVs(p[fixedV2+block : n])
	if err := tlvs.check(p[:n]); err != OK {
		return 0, err
	}
	h.TLVs = tlvs
	a := p[fixedV2:n]
	switch p[13] & 0xf0 {
	case familyV4:
		h.Source = netip.AddrPortFrom(netip.AddrFrom4([4]byte(a)), binary.BigEndian.Uint16(a[8:]))
		h.Destination = netip.AddrPortFrom(netip.AddrFrom4([4]byte(a[4:])), binary.BigEndian.Uint16(a[10:]))
	case familyV6:
		h.Source = netip.AddrPortFrom(netip.AddrFrom16([16]byte(a)), binary.BigEndian.Uint16(a[32:]))
		h.Destination = netip.AddrPortFrom(netip.AddrFrom16([16]byte(a[16:])), binary.BigEndian.Uint16(a[34:]))
	}
	return n, OK
}

// blockOf is the length of the addresses of a family and transport. The values that the protocol has not given a
// meaning must be rejected.
func blockOf(family byte) (n int, known bool) {
	stream := family&0xf == 1 || family&0xf == 2
	switch family & 0xf0 {
	case familyV4:
		return blockV4, stream
	case familyV6:
		return blockV6, stream
	case familyUnix:
		return blockUnix, stream
	}
	return 0, family == familyUnspec
}

func appendV2(b []byte, known, four bool, from, to netip.Addr, fromPort, toPort uint16) []byte {
	b = append(b, signatureV2+"\x21"...)
	switch {
	case !known:
		return append(b, familyUnspec, 0, 0)
	case four:
		b = append(b, familyV4|1, 0, blockV4)
		f, t := from.As4(), to.As4()
		b = append(b, f[:]...)
		b = append(b, t[:]...)
	default:
		b = append(b, familyV6|1, 0, blockV6)
		f, t := from.As16(), to.As16()
		b = append(b, f[:]...)
		b = append(b, t[:]...)
	}
	b = binary.BigEndian.AppendUint16(b, fromPort)
	return binary.BigEndian.AppendUint16(b, toPort)
}
