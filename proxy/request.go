package proxy

import (
	"bytes"
	"net/netip"
	"strconv"
	"strings"

	"github.com/anygate/anygate/http1"
	"github.com/anygate/anygate/route"
)

// Request is what a client asked for. It is borrowed for the call it is given
// to.
type Request struct {
	Head  *http1.Request
	Path  []byte // the normalised path
	Match *route.Match

	// Peer is the client's address, the zero value for a unix socket, and
	// HTTPS how the client has asked. Both are what Relay's peer says of its
	// client if there is one.
	Peer  netip.Addr
	HTTPS bool
	Relay Relay
	// Source and Destination are the ends of the client's connection, for
	// upstreams that are told of them before anything else.
	Source, Destination netip.AddrPort

	// OwnCertificate says that only the fields of Certificate may tell of the
	// client's certificate. Those are field lines, none for a client without one.
	OwnCertificate bool
	Certificate    []byte

	// Trace is a field line that tells of the trace that the request belongs to,
	// empty for none.
	Trace []byte

	// Content and Length are the framing of the content to come.
	Content http1.BodyKind
	Length  int64
	// HTTP2 says that the client has asked over HTTP/2.
	HTTP2 bool

	// Upgrade is the protocols that are offered to the upstream, as the value
	// of an Upgrade field; empty for none. The call fills it in.
	Upgrade []byte
	// Edits are the route's, to all fields but those that delimit the request
	// and manage the connection; nil for those of the plan.
	Edits *http1.Edits
}

// drops says which of the client's fields are not passed on, beside the
// hop-by-hop ones: those that the proxy writes itself, those that only concern
// the client's connection, and, where TLS ends here, those about the client's
// certificate: what it says of that itself is not true, or not news.
func (r *Request) drops(h *http1.Head, f *http1.Field) bool {
	switch f.ID {
	case http1.Host, http1.ContentLength, http1.Expect,
		http1.XForwardedFor, http1.XForwardedProto, http1.XForwardedHost, http1.Forwarded, http1.XRealIP,
		http1.MaxForwards:
		return true
	case http1.FieldOther:
		name := h.Name(f)
		return suspect(name) || r.OwnCertificate && certifies(name)
	}
	return false
}

// certifies reports whether a field is about the client's certificate: one of RFC
// 9440, or of those that the proxy writes.
func certifies(name []byte) bool {
	const prefix = "x-client-cert"
	return http1.EqualFold(name, "client-cert") || http1.EqualFold(name, "client-cert-chain") ||
		len(name) >= len(prefix) && http1.EqualFold(name[:len(prefix)], prefix)
}

// Identifies reports whether a field that has no number may mean something to an
// upstream that only a proxy can know of a client.
func Identifies(name []byte) bool { return suspect(name) || certifies(name) }

// suspect reports whether a field's name may mean something to an upstream
// that its spelling does not say. Interfaces such as CGI and WSGI hand fields
// over as variables, in which "_" and "-" are the same: X_Forwarded_For would
// stand beside, or in the place of, the one that the proxy writes. For them
// Proxy becomes HTTP_PROXY, which libraries take for a setting.
func suspect(name []byte) bool {
	const prefix = "x-forwarded-"
	if len(name) > len(prefix) && http1.EqualFold(name[:len(prefix)], prefix) || http1.EqualFold(name, "proxy") {
		return true
	}
	return bytes.IndexByte(name, '_') >= 0
}

// Forwards returns what is left of the Max-Forwards of a request (RFC 9110,
// section 7.6.2), which counts for OPTIONS and TRACE: 0 if it must not be
// forwarded, -1 if there is no such limit.
func Forwards(h *http1.Request) int {
	if h.MethodID != http1.OPTIONS && h.MethodID != http1.TRACE {
		return -1
	}
	v, ok := h.Get(http1.MaxForwards)
	if !ok || len(v) == 0 || len(v) > 4 {
		return -1
	}
	n := 0
	for _, c := range v {
		if c < '0' || c > '9' {
			return -1
		}
		n = n*10 + int(c-'0')
	}
	return n
}

// RequestRoom is a size that AppendRequest does not exceed.
func RequestRoom(r *Request, t *Target, m *Member) int {
	h := r.Head
	n := int(h.Method.Len) + len(r.Upgrade) + t.Rewrite.MaxLen(len(h.PathBytes())) + int(h.Query.Len)
	if h.Form == http1.AuthorityForm {
		n += int(h.Target.Len)
	}
	n += 3 * max(int(h.Host.Len), len(m.Name))
	if r.Relay.Trusted {
		n += int(h.Host.Len) + 2*len(r.Relay.Host) + relayRoom
	}
	if k := len(h.Fields); k > 0 {
		last := h.Fields[k-1].Value
		n += int(last.Off) + int(last.Len) - int(h.Fields[0].Name.Off)
	}
	if r.Edits != nil {
		n += r.Edits.Room()
	}
	return n + len(r.Certificate) + len(r.Trace) + headRoom
}

// AppendRequest appends the head of the request to the upstream (RFC 9110,
// section 7.6; RFC 7239). The client's own X-Forwarded-*, X-Real-IP and
// Forwarded fields are dropped, because nothing vouches for them; so are those
// of a peer that is trusted, but for what is written anew of them.
func AppendRequest(dst []byte, r *Request, t *Target, m *Member) []byte {
	h := r.Head
	dst = append(dst, h.Bytes(h.Method)...)
	dst = append(dst, ' ')
	dst = appendTarget(dst, r, t)
	dst = append(dst, " HTTP/1.1\r\n"...)
	edited := len(dst)
	dst = append(dst, "Host: "...)
	host := h.Bytes(h.Host)
	if len(host) > 0 {
		dst = append(dst, host...)
	} else {
		dst = appendMemberHost(dst, m) // HTTP/1.0 without a host
	}
	dst = append(dst, "\r\n"...)
	if r.Edits != nil && r.Edits.Host() == nil {
		edited = len(dst) // there is always a Host, even where the value of another is not known
	}
	dst = appendKept(dst, &h.Head, r.drops)
	dst = appendAdded(dst, r, host)
	if r.Edits != nil {
		dst = r.Edits.Apply(dst, edited)
	}
	dst = appendConnection(dst, r)
	dst = appendKey(dst, r)
	switch r.Content {
	case http1.BodyLength:
		dst = http1.AppendContentLength(dst, r.Length)
	case http1.BodyChunked:
		dst = append(dst, http1.FieldChunked...)
	default:
		// A request that says it has no content keeps saying so
		// (RFC 9110, section 8.6).
		if h.ContentLength == 0 {
			dst = append(dst, "Content-Length: 0\r\n"...)
		}
	}
	return append(dst, "\r\n"...)
}

// appendTarget writes what is asked for: the path and the query.
func appendTarget(dst []byte, r *Request, t *Target) []byte {
	h := r.Head
	switch h.Form {
	case http1.AsteriskForm:
		dst = append(dst, '*')
	case http1.AuthorityForm:
		dst = append(dst, h.Bytes(h.Target)...)
	default:
		dst = t.Rewrite.Append(dst, h.PathBytes(), r.Path, r.Match)
	}
	if h.HasQuery {
		dst = append(dst, '?')
		dst = append(dst, h.Bytes(h.Query)...)
	}
	return dst
}

// appendAdded writes the fields that tell who has asked, and of the way that the
// request has come, in any version of HTTP.
func appendAdded(dst []byte, r *Request, host []byte) []byte {
	h := r.Head
	if r.OwnCertificate {
		dst = append(dst, r.Certificate...)
	}
	if n := Forwards(h); n > 0 {
		dst = append(dst, "Max-Forwards: "...)
		dst = strconv.AppendInt(dst, int64(n-1), 10)
		dst = append(dst, "\r\n"...)
	}
	dst = appendForwarded(dst, r, host)
	// A further line continues the list of the lines before it (RFC 9110,
	// sections 5.3 and 7.6.3).
	dst = append(dst, "Via: "...)
	if r.HTTP2 {
		dst = append(dst, '2')
	} else {
		dst = append(append(dst, "1."...), '0'+h.Minor)
	}
	dst = append(dst, " anygate\r\n"...)
	return append(dst, r.Trace...)
}

// appendMemberHost names a member as a host. A socket's path is none.
func appendMemberHost(dst []byte, m *Member) []byte {
	if strings.HasPrefix(m.Name, "unix:") {
		return append(dst, "localhost"...)
	}
	return append(dst, m.Name...)
}

// appendKept copies the field lines that are passed on, in runs.
func appendKept(dst []byte, h *http1.Head, drop func(*http1.Head, *http1.Field) bool) []byte {
	run := -1 // where the lines not yet copied begin
	for i := range h.Fields {
		f := &h.Fields[i]
		switch keep := !f.HopByHop() && !drop(h, f); {
		case keep && run < 0:
			run = int(f.Name.Off)
		case !keep && run >= 0:
			dst = append(dst, h.Buf[run:f.Name.Off]...)
			run = -1
		}
	}
	if run >= 0 {
		last := &h.Fields[len(h.Fields)-1]
		dst = append(dst, h.Buf[run:int(last.Value.Off)+int(last.Value.Len)]...)
		dst = append(dst, "\r\n"...)
	}
	return dst
}
