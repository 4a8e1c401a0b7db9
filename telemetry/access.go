package telemetry

import (
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
)

// Access is what an access line says about one exchange. Its byte slices are borrowed for the call it is given to.
type Access struct {
	// Unix is when the line is written, in seconds.
	Unix int64
	// Peer is the client's address; the zero value for a unix socket.
	Peer netip.AddrPort

	// Method, Target, Host, Protocol, Referer and UserAgent are the request's, as received: Target is the
	// request-target, Protocol "HTTP/1.1". Nil is absent.
	Method    []byte
	Target    []byte
	Host      []byte
	Protocol  string
	Referer   []byte
	UserAgent []byte

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
}

// AppendAccess appends the line of an exchange, at most MaxLine bytes with its newline.
func AppendAccess(dst []byte, f Format, a *Access) []byte {
	if f == JSON {
		return appendAccessJSON(dst, a)
	}
	return appendAccessText(dst, a)
}

// appendAccessJSON writes all fields always, in this order, but for the status of gRPC.
func appendAccessJSON(dst []byte, a *Access) []byte {
	dst = append(dst, `{"time":"`...)
	dst = appendTime(dst, a.Unix)
	dst = append(dst, `","peer":"`...)
	dst = appendPeer(dst, a.Peer)
	dst = append(dst, `","method":`...)
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
	return append(dst, '}', '\n')
}

// appendAccessText writes the same values: those every exchange has by position, the others by name and only when they
// are there.
func appendAccessText(dst []byte, a *Access) []byte {
	dst = appendTime(dst, a.Unix)
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
	dst = appendNamed(dst, " route=", a.Route, maxRoute)
	dst = appendNamed(dst, " upstream=", a.Upstream, maxHost)
	if a.GRPC > 0 {
		dst = append(dst, " grpc_status="...)
		dst = strconv.AppendInt(dst, int64(a.GRPC)-1, 10)
	}
	dst = appendNamed(dst, " reason=", a.Reason, maxReason)
	dst = appendNamed(dst, " referer=", a.Referer, maxReferer)
	dst = appendNamed(dst, " user_agent=", a.UserAgent, maxAgent)
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

// appendTime appends a time in UTC to the second (RFC 3339). It is AppendFormat without reading a layout each time.
func appendTime(dst []byte, unix int64) []byte {
	t := time.Unix(unix, 0).UTC()
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	dst = appendTwo(dst, year/100)
	dst = appendTwo(dst, year)
	dst = appendTwo(append(dst, '-'), int(month))
	dst = appendTwo(append(dst, '-'), day)
	dst = appendTwo(append(dst, 'T'), hour)
	dst = appendTwo(append(dst, ':'), minute)
	dst = appendTwo(append(dst, ':'), second)
	return append(dst, 'Z')
}

// appendTwo appends the last two digits of n.
func appendTwo(dst []byte, n int) []byte {
	n %= 100
	return append(dst, byte('0'+n/10), byte('0'+n%10))
}

// appendPeer appends an address and port, nothing for the zero value, and no port that is 0: of a client further away only
// the address is known. A zone is a name that an administrator gave to an interface, so it is escaped like any other text.
func appendPeer(dst []byte, p netip.AddrPort) []byte {
	if !p.IsValid() {
		return dst
	}
	zone := p.Addr().Zone()
	switch {
	case zone == "" && p.Port() == 0:
		return p.Addr().AppendTo(dst)
	case zone == "":
		return p.AppendTo(dst)
	}
	dst = append(dst, '[')
	dst = p.Addr().WithZone("").AppendTo(dst)
	dst = append(dst, '%')
	dst = appendEscaped(dst, zone, maxPeer-64)
	dst = append(dst, ']', ':')
	return strconv.AppendUint(dst, uint64(p.Port()), 10)
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
	r.Commit(len(AppendAccess(b, f, a)))
	return true
}
