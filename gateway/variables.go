package gateway

import (
	"crypto/tls"
	"encoding/hex"
	"net/netip"
	"strconv"

	"github.com/anygate/anygate/http1"
	"github.com/anygate/anygate/policy/variable"
	"github.com/anygate/anygate/tlsedge"
)

// Facts are what variables stand for: what is known of an exchange. It borrows
// all that it has. The zero value of a member is that nothing is known.
type Facts struct {
	Client, Peer, Local netip.AddrPort
	HTTPS               bool
	Asked               Asked
	ID                  [16]byte
	User                []byte
	TLS                 *tlsedge.State
	// Shown is the client's certificate, and Verified whether anybody vouches
	// for it: of one for which nobody does it is only told that there is one.
	Shown    *tlsedge.Peer
	Verified bool
	Upstream string

	// Unknown are variables that stay as the configuration has them, for whoever
	// tells of a request that nobody has made.
	Unknown variable.Set
}

// Asked is what a request asks for, as the client has spelt it.
type Asked struct {
	Protocol  string
	Method    []byte
	Authority []byte // the Host field
	Host      []byte // without its port
	Path      []byte
	Query     []byte
	HasQuery  bool
}

// AskedBy is what the head of a request says.
func AskedBy(h *http1.Request, protocol string) Asked {
	a := Asked{
		Protocol: protocol, Method: h.Bytes(h.Method), Authority: h.Bytes(h.Host), Host: h.Bytes(h.HostName), Path: h.PathBytes(),
	}
	if h.HasQuery {
		a.HasQuery, a.Query = true, h.Bytes(h.Query)
	}
	return a
}

// inHead are the variables of Asked. A request's head is gone when the response
// begins.
const inHead variable.Set = 1<<variable.Protocol | 1<<variable.Method | 1<<variable.Host | 1<<variable.Authority |
	1<<variable.URI | 1<<variable.Path | 1<<variable.Query

// ofCertificate are those of which only a certificate that is vouched for tells.
const ofCertificate variable.Set = 1<<variable.CertSubject | 1<<variable.CertIssuer | 1<<variable.CertSerial |
	1<<variable.CertFingerprint | 1<<variable.Cert

// ofTLS are those of the client's connection.
const ofTLS = ofCertificate | 1<<variable.CertVerify | 1<<variable.TLSVersion | 1<<variable.TLSCipher |
	1<<variable.TLSServerName | 1<<variable.TLSALPN

// keptAsked is an Asked that borrows nothing.
type keptAsked struct {
	Asked
	buf []byte
}

// keep copies what a head says.
func (k *keptAsked) keep(h *http1.Request, protocol string) {
	k.Asked = AskedBy(h, protocol)
	parts := [...]*[]byte{&k.Method, &k.Authority, &k.Host, &k.Path, &k.Query}
	k.buf = k.buf[:0]
	for _, part := range parts {
		k.buf = append(k.buf, *part...)
	}
	rest := k.buf
	for _, part := range parts {
		n := len(*part)
		*part, rest = rest[:n:n], rest[n:]
	}
}

// forget leaves the room for the next one, unless it is larger than most need.
func (k *keptAsked) forget() {
	k.Asked, k.buf = Asked{}, k.buf[:0]
	if cap(k.buf) > keptHead {
		k.buf = nil
	}
}

// appendVariable appends what a variable stands for, nothing if that is not
// known, or there is none.
func (f *Facts) appendVariable(dst []byte, v variable.Variable) []byte {
	if f.Unknown.Has(v) {
		return append(append(append(dst, '{'), v.String()...), '}')
	}
	switch v {
	case variable.Client:
		return appendAddr(dst, f.Client.Addr())
	case variable.ClientPort:
		return appendPort(dst, f.Client)
	case variable.Peer:
		return appendAddr(dst, f.Peer.Addr())
	case variable.ServerPort:
		return appendPort(dst, f.Local)
	case variable.Scheme:
		if f.HTTPS {
			return append(dst, "https"...)
		}
		return append(dst, "http"...)
	case variable.RequestID:
		return hex.AppendEncode(dst, f.ID[:])
	case variable.User:
		return append(dst, f.User...)
	case variable.Upstream:
		return append(dst, f.Upstream...)
	}
	if inHead.Has(v) {
		return f.Asked.appendVariable(dst, v)
	}
	if f.TLS == nil {
		return dst
	}
	return f.appendTLS(dst, v)
}

func (a *Asked) appendVariable(dst []byte, v variable.Variable) []byte {
	switch v {
	case variable.Protocol:
		return append(dst, a.Protocol...)
	case variable.Method:
		return append(dst, a.Method...)
	case variable.Authority:
		return append(dst, a.Authority...)
	case variable.Host:
		return appendLower(dst, a.Host)
	case variable.Path:
		return append(dst, a.Path...)
	case variable.Query:
		return append(dst, a.Query...)
	}
	dst = append(dst, a.Path...)
	if a.HasQuery {
		dst = append(append(dst, '?'), a.Query...)
	}
	return dst
}

// appendTLS is about the client's connection, which is one under TLS.
func (f *Facts) appendTLS(dst []byte, v variable.Variable) []byte {
	switch v {
	case variable.TLSVersion:
		return append(dst, tlsVersion(f.TLS.Version)...)
	case variable.TLSCipher:
		return append(dst, tlsCipher(f.TLS.Suite)...)
	case variable.TLSServerName:
		return append(dst, f.TLS.ServerName...)
	case variable.TLSALPN:
		return append(dst, f.TLS.Protocol...)
	case variable.CertVerify:
		switch {
		case f.Shown == nil:
			return append(dst, "NONE"...)
		case !f.Verified:
			return append(dst, "FAILED"...)
		}
		return append(dst, "SUCCESS"...)
	}
	if f.Shown == nil || !f.Verified {
		return dst
	}
	switch told := f.Shown.Identity(); v {
	case variable.CertSubject:
		return append(dst, told.Subject...)
	case variable.CertIssuer:
		return append(dst, told.Issuer...)
	case variable.CertSerial:
		return append(dst, told.Serial...)
	case variable.CertFingerprint:
		return append(dst, told.Fingerprint...)
	case variable.Cert:
		return append(dst, told.Certificate...)
	}
	return dst
}

// appendAddr writes an address without its zone, which is a name that only this
// machine knows.
func appendAddr(dst []byte, a netip.Addr) []byte {
	if !a.IsValid() {
		return dst
	}
	return a.WithZone("").AppendTo(dst)
}

func appendPort(dst []byte, a netip.AddrPort) []byte {
	if a.Port() == 0 {
		return dst
	}
	return strconv.AppendUint(dst, uint64(a.Port()), 10)
}

func appendLower(dst, b []byte) []byte {
	for _, c := range b {
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		dst = append(dst, c)
	}
	return dst
}

// tlsVersion is the version as others have it who tell of it in fields.
func tlsVersion(v uint16) string {
	switch v {
	case tls.VersionTLS12:
		return "TLSv1.2"
	case tls.VersionTLS13:
		return "TLSv1.3"
	}
	return ""
}

// cipherSuites are those that are known; to ask crypto/tls for a name makes a
// list of all of them each time.
var cipherSuites = append(tls.CipherSuites(), tls.InsecureCipherSuites()...)

// tlsCipher is the name of a suite in IANA's registry.
func tlsCipher(id uint16) string {
	for _, s := range cipherSuites {
		if s.ID == id {
			return s.Name
		}
	}
	return ""
}
