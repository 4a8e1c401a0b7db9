package config

import (
	"slices"
	"strconv"
	"strings"

	"github.com/anygate/anygate/route"
)

// Protocol is what is spoken with the members of a pool.
type Protocol uint8

// The protocols.
const (
	HTTP1 Protocol = iota // HTTP/1.1
	H2C                   // HTTP/2 in cleartext, known to be spoken there (RFC 9113, section 3.3)
	H2TLS                 // HTTP/2 over TLS, chosen by ALPN (RFC 9113, section 3.2)
)

// protocolNames are the protocols as `protocol` has them, by their numbers.
var protocolNames = [...]string{HTTP1: "http1", H2C: "h2c", H2TLS: "h2"}

// String is the protocol as `protocol` has it.
func (p Protocol) String() string { return protocolNames[p] }

func (l *loader) readProtocol(v *node, into *Protocol) {
	name := ""
	if l.enum(v, "protocol", &name, protocolNames[:]...) {
		*into = Protocol(slices.Index(protocolNames[:], name))
	}
}

// checkProtocol reports settings of a pool that have no meaning in the protocol that is spoken there.
func (l *loader) checkProtocol(u *Upstream, value *node) {
	if u.Protocol == HTTP1 {
		about := func(at *node, key string) {
			if at != nil {
				l.errorAt(at, Diagnostic{Msg: strconv.Quote(key) + " is about HTTP/2, and the pool speaks HTTP/1.1", Want: "protocol: h2c in the pool, or h2 over TLS"})
			}
		}
		if keep := value.get("keepalive"); keep != nil {
			about(keep.get("streams"), "streams")
			about(keep.get("ping"), "ping")
		}
		about(value.get("grpc-failures"), "grpc-failures")
		if health := value.get("health"); health != nil && u.Health != nil && u.Health.GRPC {
			about(health.get("grpc"), "grpc")
		}
		return
	}
	l.checkProtocolTLS(u, value.get("protocol"))
	if at := value.get("proxy-protocol"); at != nil && u.ProxyProtocol > 0 {
		l.errorAt(at, Diagnostic{
			Msg:  "a connection that begins with a PROXY header is one client's, and one of " + u.Protocol.String() + " carries the requests of many",
			Want: "protocol: http1, or no proxy-protocol",
		})
	}
}

// checkProtocolTLS reports a pool whose members are not spoken to over TLS where its protocol is the one that is, or the
// other way round: which of the two forms of HTTP/2 is meant has to be said, so that nobody speaks in cleartext by
// mistake.
func (l *loader) checkProtocolTLS(u *Upstream, at *node) {
	if at == nil {
		return
	}
	for i := range u.Members {
		m := &u.Members[i]
		var d Diagnostic
		switch secure := u.Secure(m); {
		case u.Protocol == H2TLS && !secure:
			d = Diagnostic{Msg: "h2 is HTTP/2 over TLS, and TLS is not spoken to " + m.Addr, Want: "tls: on in the pool, or h2c for HTTP/2 without TLS", Suggest: "h2c"}
		case u.Protocol == H2C && secure:
			d = Diagnostic{Msg: "h2c is HTTP/2 without TLS, and TLS is spoken to " + m.Addr, Want: "h2, which is HTTP/2 over TLS", Suggest: "h2"}
		default:
			continue
		}
		d.Related = []Related{l.relatedPos(m.Pos, "the member")}
		l.errorAt(at, d)
		return
	}
}

// checkProtocols reports a route whose targets do not all speak the same protocol, which they would have to as one
// pool, and a target whose scheme is not what its pool speaks.
func (l *loader) checkProtocols(d *draft) bool {
	first := &l.cfg.Upstreams[d.Targets[0].Upstream]
	for i, t := range d.Targets {
		u := &l.cfg.Upstreams[t.Upstream]
		switch {
		case t.Scheme == "h2c" && u.Protocol != H2C:
			want := "protocol: h2c in the pool, or http://" + u.Name
			if u.Protocol == H2TLS {
				want = "https://" + u.Name
			}
			l.errorIn(d.targets[i], t.Off, len("h2c://"), Diagnostic{
				Msg: "the pool " + strconv.Quote(u.Name) + " speaks " + u.Protocol.String(), Want: want,
				Related: []Related{l.relatedPos(u.Pos, "the pool")},
			})
			return false
		case u.Protocol != first.Protocol:
			l.errorIn(d.targets[i], t.Off, t.Len, Diagnostic{
				Msg: "the route's upstreams are one pool, and " + strconv.Quote(u.Name) + " speaks " + u.Protocol.String() + " where " + strconv.Quote(first.Name) + " speaks " + first.Protocol.String(), Want: "one protocol for all of them",
			})
			return false
		}
	}
	return true
}

// grpcStatuses are the names of gRPC's statuses, by their numbers.
var grpcStatuses = [...]string{
	"ok", "cancelled", "unknown", "invalid-argument", "deadline-exceeded", "not-found", "already-exists", "permission-denied",
	"resource-exhausted", "failed-precondition", "aborted", "out-of-range", "unimplemented", "internal", "unavailable", "data-loss",
	"unauthenticated",
}

const grpcUnavailable = 14

// readGRPCFailures reads the statuses of gRPC that count as failures of a member: off, one, or a list of them.
func (l *loader) readGRPCFailures(v *node, into *uint32) {
	const want = "a status of gRPC such as unavailable, a list of them, or off"
	if v.shape == scalar && (v.text == "off" || v.text == "false") {
		*into = 0
		return
	}
	if v.shape == list && len(v.items) == 0 {
		l.errorAt(v, Diagnostic{Msg: "the list is empty", Want: want})
	}
	var set uint32
	for _, item := range l.items(v) {
		s, ok := l.text(item, want)
		if !ok {
			continue
		}
		n := slices.Index(grpcStatuses[:], s)
		if n <= 0 {
			l.errorAt(item, Diagnostic{Msg: strconv.Quote(s) + " is not a status of gRPC that could be a failure", Want: want, Suggest: route.Suggest(s, grpcStatuses[1:])})
			continue
		}
		set |= 1 << n
	}
	if set != 0 {
		*into = set
	}
}

// grpcNames are the names of the statuses that count as failures.
func (p *Pool) grpcNames() []string {
	var names []string
	for n, name := range grpcStatuses {
		if p.GRPCFailures&(1<<n) != 0 {
			names = append(names, name)
		}
	}
	return names
}

// grpcFailures writes them as `grpc-failures` has them.
func (p *Pool) grpcFailures() string {
	if p.GRPCFailures == 0 {
		return quoteYAML("off")
	}
	return "[" + strings.Join(p.grpcNames(), ", ") + "]"
}
