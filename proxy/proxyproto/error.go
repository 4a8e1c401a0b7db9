package proxyproto

// Error is the reason why bytes are no header. The zero value, OK, means that nothing is wrong with them. It is a value
// of one byte: comparing, storing and boxing it allocates nothing.
type Error uint8

// The reasons. A comment says what the peer sent.
const (
	OK Error = iota

	ErrSignature // The bytes begin no header of either version.
	ErrLine      // A line of version 1 is not "PROXY", protocol, addresses and ports, each behind one space, and CRLF.
	ErrProtocol  // The protocol of version 1 is none of TCP4, TCP6 and UNKNOWN.
	ErrAddress   // An address of version 1 is none, or not of the protocol's family.
	ErrPort      // A port of version 1 is not a number up to 65535 in its shortest form.
	ErrVersion   // The signature of version 2 is followed by another version.
	ErrCommand   // The command of version 2 is neither LOCAL nor PROXY.
	ErrFamily    // The address family and transport of version 2 are not a pair that it knows.
	ErrLength    // The length of version 2 has no room for the addresses of its family.
	ErrTooLong   // The header exceeds 107 bytes in version 1, MaxLength in version 2.
	ErrTLV       // A TLV exceeds the header, or has a value that its type cannot have.
	ErrChecksum  // The CRC32C TLV does not fit the header.

	numErrors
)

var codes = [numErrors]string{
	OK:           "ok",
	ErrSignature: "no_proxy_header",
	ErrLine:      "bad_proxy_line",
	ErrProtocol:  "bad_proxy_protocol",
	ErrAddress:   "bad_proxy_address",
	ErrPort:      "bad_proxy_port",
	ErrVersion:   "bad_proxy_version",
	ErrCommand:   "bad_proxy_command",
	ErrFamily:    "bad_proxy_family",
	ErrLength:    "bad_proxy_length",
	ErrTooLong:   "proxy_header_too_long",
	ErrTLV:       "bad_proxy_tlv",
	ErrChecksum:  "bad_proxy_checksum",
}

// Error is a code for logs.
func (e Error) Error() string {
	if e >= numErrors {
		return "unknown"
	}
	return codes[e]
}
