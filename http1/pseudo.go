package http1

// Pseudo identifies a pseudo-header field of HTTP/2 (RFC 9113, section 8.3; RFC 8441, section 4), which says what the start
// line says in HTTP/1.1.
type Pseudo uint8

// The pseudo-header fields.
const (
	NoPseudo Pseudo = iota // a field as others
	PseudoMethod
	PseudoScheme
	PseudoAuthority
	PseudoPath
	PseudoStatus
	PseudoProtocol
	PseudoInvalid // a name that is neither one of these nor a field's

	numPseudos
)

var pseudoNames = [numPseudos]string{
	PseudoMethod: ":method", PseudoScheme: ":scheme", PseudoAuthority: ":authority", PseudoPath: ":path",
	PseudoStatus: ":status", PseudoProtocol: ":protocol",
}

// String returns the name, and "" for what is none.
func (p Pseudo) String() string {
	if p >= numPseudos {
		return ""
	}
	return pseudoNames[p]
}

// LookupPseudo returns what a name that begins with a colon stands for.
func LookupPseudo(name []byte) Pseudo {
	switch string(name) {
	case ":method":
		return PseudoMethod
	case ":scheme":
		return PseudoScheme
	case ":authority":
		return PseudoAuthority
	case ":path":
		return PseudoPath
	case ":status":
		return PseudoStatus
	case ":protocol":
		return PseudoProtocol
	}
	return PseudoInvalid
}
