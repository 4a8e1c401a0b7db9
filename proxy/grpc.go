package proxy

import (
	"bytes"
	"time"

	"github.com/anygate/anygate/http1"
)

// gRPC is HTTP/2 with a status of its own, in the trailers or, where there is
// no content, in the head of the response, and with a deadline in the head of
// the request. Nothing else of it is known here.

const (
	grpcType = "application/grpc"
	// grpcUnavailable is the status that counts as a failure of a member if
	// nothing else is said: it is what 503 is to HTTP.
	grpcUnavailable = 14
)

// GRPC reports whether a request is one of gRPC, whose client expects a status
// of gRPC. gRPC-Web is something else.
func GRPC(h *http1.Request) bool {
	v, ok := h.Get(http1.ContentType)
	if !ok || len(v) < len(grpcType) || !http1.EqualFold(v[:len(grpcType)], grpcType) {
		return false
	}
	return len(v) == len(grpcType) || v[len(grpcType)] == '+' || v[len(grpcType)] == ';' || v[len(grpcType)] == ' '
}

// GRPCStatus finds the status of gRPC in field lines; -1 if there is none, or
// none that there could be.
func GRPCStatus(lines []byte) int {
	const name = "grpc-status"
	for len(lines) > 0 {
		line := lines
		if i := bytes.IndexByte(lines, '\n'); i >= 0 {
			line = lines[:i+1]
		}
		lines = lines[len(line):]
		if len(line) <= len(name) || line[len(name)] != ':' || !http1.EqualFold(line[:len(name)], name) {
			continue
		}
		status, digits := 0, 0
		for _, b := range line[len(name)+1:] {
			if b >= '0' && b <= '9' && digits < 4 {
				status = status*10 + int(b-'0')
				digits++
			} else if digits > 0 || b != ' ' && b != '\t' {
				break
			}
		}
		if digits > 0 {
			return status
		}
		return -1
	}
	return -1
}

// grpcDeadline is when the client gives a call up, by the shard's clock; 0 is
// never.
func (p *Proxy) grpcDeadline(h *http1.Request) int64 {
	i := h.Find("grpc-timeout")
	if i < 0 {
		return 0
	}
	d, ok := grpcTimeout(h.Value(&h.Fields[i]))
	if !ok {
		return 0
	}
	return p.s.Now() + int64(d)
}

// deadlineSlack is how much earlier than here a member's clock, which began to
// run when it got the request, may be taken to have come to the deadline: this
// one is read once a turn.
const deadlineSlack = 10 * time.Millisecond

// overdue reports whether the client has given the call up, or will within slack.
func (c *Call) overdue(slack time.Duration) bool {
	return c.expires != 0 && c.p.s.Now()+int64(slack) >= c.expires
}

// grpcTimeout reads a timeout: at most eight digits and a unit.
func grpcTimeout(v []byte) (time.Duration, bool) {
	if len(v) < 2 || len(v) > 9 {
		return 0, false
	}
	var unit time.Duration
	switch v[len(v)-1] {
	case 'H':
		unit = time.Hour
	case 'M':
		unit = time.Minute
	case 'S':
		unit = time.Second
	case 'm':
		unit = time.Millisecond
	case 'u':
		unit = time.Microsecond
	case 'n':
		unit = time.Nanosecond
	default:
		return 0, false
	}
	n := time.Duration(0)
	for _, b := range v[:len(v)-1] {
		if b < '0' || b > '9' {
			return 0, false
		}
		n = n*10 + time.Duration(b-'0')
	}
	if n > maxGRPCTimeout/unit {
		return 0, false
	}
	return n * unit, true
}

// judgeGRPC notes whether the status of a response means that the member has
// failed.
func (c *Call) judgeGRPC(lines []byte) {
	status := GRPCStatus(lines)
	if status >= 0 && status < 32 && c.v.settings.GRPCFailures&(1<<status) != 0 {
		c.bad = true
	}
}
