package http1

// MethodID identifies a request method that the product treats specially. Any other token is MethodOther, and its
// spelling is in the request. Methods are case-sensitive (RFC 9110, section 9.1).
type MethodID uint8

// The known methods.
const (
	MethodOther MethodID = iota
	GET
	HEAD
	POST
	PUT
	DELETE
	CONNECT
	OPTIONS
	TRACE
	PATCH

	numMethods
)

var methodNames = [numMethods]string{
	GET: "GET", HEAD: "HEAD", POST: "POST", PUT: "PUT", DELETE: "DELETE",
	CONNECT: "CONNECT", OPTIONS: "OPTIONS", TRACE: "TRACE", PATCH: "PATCH",
}

// String returns the method's name, and "" for MethodOther.
func (m MethodID) String() string {
	if m >= numMethods {
		return ""
	}
	return methodNames[m]
}

// LookupMethod returns the ID of the method that b spells.
func LookupMethod(b []byte) MethodID {
	switch string(b) {
	case "GET":
		return GET
	case "HEAD":
		return HEAD
	case "POST":
		return POST
	case "PUT":
		return PUT
	case "DELETE":
		return DELETE
	case "CONNECT":
		return CONNECT
	case "OPTIONS":
		return OPTIONS
	case "TRACE":
		return TRACE
	case "PATCH":
		return PATCH
	}
	return MethodOther
}

// Safe says whether the method is defined to be safe (RFC 9110, section 9.2.1).
func (m MethodID) Safe() bool { return m == GET || m == HEAD || m == OPTIONS || m == TRACE }

// Idempotent says whether the method is defined to be idempotent (RFC 9110, section 9.2.2), so that a request may be
// repeated when its connection fails.
func (m MethodID) Idempotent() bool { return m.Safe() || m == PUT || m == DELETE }
