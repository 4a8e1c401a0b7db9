package proxyproto

import (
	"encoding/binary"
	"hash/crc32"
)

// Type tells the TLVs of version 2 apart (section 2.2). Those that are not named here are for senders and receivers
// to agree on; they are carried, and their values mean nothing to this package.
type Type uint8

// The types.
const (
	ALPN      Type = 0x01 // the protocol that TLS has settled
	Authority Type = 0x02 // the name of the server that the client has asked for
	CRC32C    Type = 0x03 // the checksum of the header
	Noop      Type = 0x04 // filling
	UniqueID  Type = 0x05 // what the sender calls the connection
	SSL       Type = 0x20 // how the client's connection was encrypted
	NetNS     Type = 0x30 // the namespace of the addresses
)

const (
	tlvHead = 3 // type and length

	// sslHead is what SSL's own TLVs follow: a byte of flags, of which clientSSL says that the client's connection was
	// encrypted, and what became of the verification of its certificate.
	sslHead   = 1 + 4
	clientSSL = 0x01
)

// TLVs are the TLVs of a header, as they stand in it. Parse has checked that they are whole.
type TLVs []byte

// Next splits off the first TLV; ok is false if there is none.
func (t TLVs) Next() (kind Type, value []byte, rest TLVs, ok bool) {
	if len(t) < tlvHead {
		return 0, nil, nil, false
	}
	end := tlvHead + int(binary.BigEndian.Uint16(t[1:]))
	if end > len(t) {
		return 0, nil, nil, false
	}
	return Type(t[0]), t[tlvHead:end:end], t[end:], true
}

// Find returns the value of the first TLV of a type.
func (t TLVs) Find(kind Type) (value []byte, ok bool) {
	for {
		k, v, rest, more := t.Next()
		if !more {
			return nil, false
		}
		if k == kind {
			return v, true
		}
		t = rest
	}
}

// Sub returns the TLVs inside the value of SSL: the version of TLS, the names of the certificate and the like.
func Sub(ssl []byte) TLVs {
	if len(ssl) < sslHead {
		return nil
	}
	return TLVs(ssl[sslHead:])
}

// check looks whether the TLVs of a header are whole and have values that their types can have.
func (t TLVs) check(header []byte) Error {
	sums := 0
	for len(t) > 0 {
		kind, value, rest, ok := t.Next()
		if !ok {
			return ErrTLV
		}
		switch kind {
		case CRC32C:
			if sums++; len(value) != 4 || sums > 1 {
				return ErrTLV
			}
			at := len(header) - len(t) + tlvHead
			if checksum(header, at) != binary.BigEndian.Uint32(value) {
				return ErrChecksum
			}
		case UniqueID:
			if len(value) > maxUniqueID {
				return ErrTLV
			}
		case SSL:
			if len(value) < sslHead || !Sub(value).whole() {
				return ErrTLV
			}
		}
		t = rest
	}
	return OK
}

// whole reports whether nothing is left over behind the last TLV.
func (t TLVs) whole() bool {
	for len(t) > 0 {
		_, _, rest, ok := t.Next()
		if !ok {
			return false
		}
		t = rest
	}
	return true
}

var (
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
	noChecksum = make([]byte, 4) // never written to; one on the stack would escape into the checksum's function
)

// checksum is that of a header whose checksum, at at, counts as zero (section 2.2.3).
func checksum(header []byte, at int) uint32 {
	sum := crc32.Update(0, castagnoli, header[:at])
	sum = crc32.Update(sum, castagnoli, noChecksum)
	return crc32.Update(sum, castagnoli, header[at+4:])
}

// AppendTLV appends a TLV to the header of version 2 that begins at start and ends with b. It reports false, and appends
// nothing, if the header would be longer than MaxLength.
func AppendTLV(b []byte, start int, kind Type, value []byte) ([]byte, bool) {
	n := len(b) - start + tlvHead + len(value)
	if n > MaxLength {
		return b, false
	}
	b = append(b, byte(kind))
	b = binary.BigEndian.AppendUint16(b, uint16(len(value)))
	b = append(b, value...)
	binary.BigEndian.PutUint16(b[start+14:], uint16(n-fixedV2))
	return b, true
}

// AppendChecksum appends the checksum of the header of version 2 that begins at start, to which nothing may be appended
// any more.
func AppendChecksum(b []byte, start int) ([]byte, bool) {
	b, ok := AppendTLV(b, start, CRC32C, noChecksum)
	if ok {
		at := len(b) - 4
		binary.BigEndian.PutUint32(b[at:], checksum(b[start:], at-start))
	}
	return b, ok
}
