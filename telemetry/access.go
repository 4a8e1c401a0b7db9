package telemetry

import (
	"encoding/hex"
	"net/netip"
	"strconv"
	"time"
)

// Format is the form of an access line.
type Format uint8

// The formats.
const (
	// Text is one line of blank-separated values, for people.
	Text Format = iota
	// JSON is one object (RFC 8259) a line, for machines.
	JSON
	// Combined is the format of that name that other servers have, for the programs that read theirs.
	Combined
)

// Access is what an access line says about one exchange. Its byte slices are borrowed for the call it is given to.
type Access struct {
	// Unix is when the line is written, in seconds.
	Unix int64
	// Peer is the client's address; the zero value for a unix socket.
	Peer netip.AddrPort
	// User is who the client has proved to be; nil for anybody.
	User []byte

	// Method, Target, Host, Protocol, Referer and UserAgent are the request's: Target is the request-target, Protocol
	// "HTTP/1.1". Nil is absent. What must not be shown is masked already.
	Method    []byte
	Target    []byte
	Host      []byte
	Protocol  string
	Referer   []byte
	UserAgent []byte
	// Fields are further fields of the request, at most MaxLogFields, in the order of the configuration.
	Fields []LoggedField

	// Status is the response's status code, 0 when none was sent.
	Status int
	// BytesReceived and BytesSent count content, without heads and framing.
	BytesReceived int64
	BytesSent     int64
	// Duration is from the first byte of the request to the last one of the response.
	Duration time.Duration

	// Route is the route's head as written, Upstream the address of the server that answered, and Reason why the
	// exchange ended other than by its action's own answer ("connect_refused", "client_closed"). Empty is none.
	Route    string
	Upstream string
	Reason   string

	// GRPC is the status of gRPC that the response has, and 1; 0 if it has none.
	GRPC uint8
	// Trace is the id of the trace that the request belongs to; all zero for none.
	Trace [16]byte
	// ID is the name that the request was given, all zero for none. One that belongs to a trace has the trace's.
	ID [16]byte
}

// LoggedField is a field of a request that a line shows.
type LoggedField struct {
	Name  string // in lower case
	Value []byte
}

// AppendAccess appends the line of an exchange, at most MaxLine bytes with its newline.
func AppendAccess(dst []byte, f Format, a *Access) []byte {
	var s stamp
	return appendAccess(dst, f, a, s.of(f, a.Unix))
}

// appendAccess is AppendAccess with the time as the format writes it.
func appendAccess(dst []byte, f Format, a *Access, when []byte) []byte {
	switch f {
	case JSON:
		return appendAccessJSON(dst, a, when)
	case Combined:
		return appendAccessCombined(dst, a, when)
	}
	return appendAccessText(dst, a, when)
}

// appendAccessJSON writes all members always, in this order, but for the status of gRPC, the trace, and further fields.
func appendAccessJSON(dst []byte, a *Access, when []byte) []byte {
	dst = append(dst, `{"time":"`...)
	dst = append(dst, when...)
	dst = append(dst, `","peer":"`...)
	dst = appendPeer(dst, a.Peer)
	dst = append(dst, `","user":`...)
	dst = appendQuoted(dst, a.User, maxUser)
	dst = append(dst, `,"method":`...)
	dst = appendQuoted(dst, a.Method, maxMethod)
	dst = append(dst, `,"target":`...)
	dst = appendQuoted(dst, a.Target, maxTarget)
	dst = append(dst, `,"host":`...)
	dst = appendQuoted(dst, a.Host, maxHost)
	dst = append(dst, `,"protocol":`...)
	dst = appendQuoted(dst, a.Protocol, maxVersion)
	dst = append(dst, `,"status":`...)
	dst = strconv.AppendInt(dst, int64(a.Status), 10)
	if a.GRPC > 0 {
		dst = append(dst, `,"grpc_status":`...)
		dst = strconv.AppendInt(dst, int64(a.GRPC)-1, 10)
	}
	dst = append(dst, `,"bytes_received":`...)
	dst = strconv.AppendInt(dst, a.BytesReceived, 10)
	dst = append(dst, `,"bytes_sent":`...)
	dst = strconv.AppendInt(dst, a.BytesSent, 10)
	dst = append(dst, `,"duration_ms":`...)
	dst = appendMilliseconds(dst, a.Duration)
	dst = append(dst, `,"route":`...)
	dst = appendQuoted(dst, a.Route, maxRoute)
	dst = append(dst, `,"upstream":`...)
	dst = appendQuoted(dst, a.Upstream, maxHost)
	dst = append(dst, `,"reason":`...)
	dst = appendQuoted(dst, a.Reason, maxReason)
	dst = append(dst, `,"referer":`...)
	dst = appendQuoted(dst, a.Referer, maxReferer)
	dst = append(dst, `,"user_agent":`...)
	dst = appendQuoted(dst, a.UserAgent, maxAgent)
	if a.Trace != [16]byte{} {
		dst = append(dst, `,"trace_id":"`...)
		dst = append(hex.AppendEncode(dst, a.Trace[:]), '"')
	}
	if a.ID != [16]byte{} {
		dst = append(dst, `,"request_id":"`...)
		dst = append(hex.AppendEncode(dst, a.ID[:]), '"')
	}
	if len(a.Fields) > 0 {
		dst = append(dst, `,"fields":{`...)
		for i := range a.Fields[:min(len(a.Fields), MaxLogFields)] {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendQuoted(dst, a.Fields[i].Name, maxFieldName)
			dst = append(dst, ':')
			dst = appendQuoted(dst, a.Fields[i].Value, maxFieldValue)
		}
		dst = append(dst, '}')
	}
	return append(dst, '}', '\n')
}

// appendAccessText writes the same values: those every exchange has by position, the others by name and only when they
// are there.
func appendAccessText(dst []byte, a *Access, when []byte) []byte {
	dst = append(dst, when...)
	dst = append(dst, ' ')
	if a.Peer.IsValid() {
		dst = appendPeer(dst, a.Peer)
	} else {
		dst = append(dst, '-')
	}
	dst = append(dst, ' ')
	dst = appendText(dst, a.Method, maxMethod)
	dst = append(dst, ' ')
	dst = appendText(dst, a.Host, maxHost)
	dst = append(dst, ' ')
	dst = appendText(dst, a.Target, maxTarget)
	dst = append(dst, ' ')
	dst = appendText(dst, a.Protocol, maxVersion)
	dst = append(dst, ' ')
	dst = strconv.AppendInt(dst, int64(a.Status), 10)
	dst = append(dst, ' ')
	dst = strconv.AppendInt(dst, a.BytesReceived, 10)
	dst = append(dst, ' ')
	dst = strconv.AppendInt(dst, a.BytesSent, 10)
	dst = append(dst, ' ')
	dst = appendMilliseconds(dst, a.Duration)
	dst = append(dst, "ms"...)
	dst = appendNamed(dst, " user=", a.User, maxUser)
	dst = appendNamed(dst, " route=", a.Route, maxRoute)
	dst = appendNamed(dst, " upstream=", a.Upstream, maxHost)
	if a.GRPC > 0 {
		dst = append(dst, " grpc_status="...)
		dst = strconv.AppendInt(dst, int64(a.GRPC)-1, 10)
	}
	dst = appendNamed(dst, " reason=", a.Reason, maxReason)
	dst = appendNamed(dst, " referer=", a.Referer, maxReferer)
	dst = appendNamed(dst, " user_agent=", a.UserAgent, maxAgent)
	if a.Trace != [16]byte{} {
		dst = append(dst, " trace_id="...)
		dst = hex.AppendEncode(dst, a.Trace[:])
	}
	if a.ID != [16]byte{} {
		dst = append(dst, " request_id="...)
		dst = hex.AppendEncode(dst, a.ID[:])
	}
	for i := range a.Fields[:min(len(a.Fields), MaxLogFields)] {
		if f := &a.Fields[i]; len(f.Value) > 0 {
			dst = append(dst, ' ')
			dst = appendEscaped(dst, f.Name, maxFieldName)
			dst = append(dst, '=')
			dst = appendText(dst, f.Value, maxFieldValue)
		}
	}
	return append(dst, '\n')
}

// appendNamed appends a value with its name unless it is empty.
func appendNamed[T string | []byte](dst []byte, name string, s T, limit int) []byte {
	if len(s) == 0 {
		return dst
	}
	dst = append(dst, name...)
	return appendText(dst, s, limit)
}

// appendPeer appends an address and port, nothing for the zero value, and no port that is 0: of a client further away only
// the address is known. A zone is a name that an administrator gave to an interface, so it is escaped like any other text.
func appendPeer(dst []byte, p netip.AddrPort) []byte {
	switch {
	case !p.IsValid():
		return dst
	case p.Port() == 0:
		return appendAddress(dst, p.Addr())
	case p.Addr().Is4():
		dst = appendAddress(dst, p.Addr())
	case p.Addr().Zone() == "":
		return p.AppendTo(dst)
	default:
		dst = append(dst, '[')
		dst = appendAddress(dst, p.Addr())
		dst = append(dst, ']')
	}
	return strconv.AppendUint(append(dst, ':'), uint64(p.Port()), 10)
}

// appendAddress appends an address without a port.
func appendAddress(dst []byte, a netip.Addr) []byte {
	zone := a.Zone()
	if zone == "" {
		return a.AppendTo(dst)
	}
	dst = a.WithZone("").AppendTo(dst)
	dst = append(dst, '%')
	return appendEscaped(dst, zone, maxPeer-64)
}

// appendMilliseconds appends a duration as milliseconds with three decimals.
func appendMilliseconds(dst []byte, d time.Duration) []byte {
	if d < 0 {
		d = 0
	}
	us := d.Microseconds()
	dst = strconv.AppendInt(dst, us/1000, 10)
	us %= 1000
	return append(dst, '.', byte('0'+us/100), byte('0'+us/10%10), byte('0'+us%10))
}

// Access appends the line of an exchange to the ring. It reports false when there was no room.
func (r *Ring) Access(f Format, a *Access) bool {
	b := r.Reserve(MaxLine)
	if b == nil {
		return false
	}
	r.Commit(len(appendAccess(b, f, a, r.stamp.of(f, a.Unix))))
	return true
}
