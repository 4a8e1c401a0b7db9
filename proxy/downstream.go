package proxy

// Response is the head of a response on its way to the client.
type Response struct {
	Status int
	// Block is the fields, as "Name: value\r\n" lines, without those that
	// concern one connection only and without framing. It is borrowed.
	Block []byte
	// Length is the length of the content, as Content-Length says it; -1 if
	// that is not known beforehand.
	Length    int64
	HasDate   bool
	HasServer bool
	// Protocol is what a 101 switches to; empty for any other response.
	Protocol []byte
}

// Downstream is the exchange that a Call works for. Its methods may call back
// into the Call (Cancel, Resume), which is aware of it.
type Downstream interface {
	// Want lets the client send n more bytes of content.
	Want(n int)
	// Interim passes on a 1xx response (RFC 9110, section 15.2).
	Interim(status int, block []byte)
	// Respond begins the final response.
	Respond(r *Response)
	// Tunnel begins a final response behind which both directions carry
	// bytes as they are: Content and Want are about those, and neither side's
	// end is the other's.
	Tunnel(r *Response)
	// CloseWrite ends the bytes of a tunnel to the client.
	CloseWrite()
	// Content passes on content, borrowed.
	Content(p []byte)
	// Pipes reports whether content of a known length may be passed on by
	// Piped: n bytes of the Piped call of the engine in progress.
	Pipes() bool
	Piped(n int)
	// Finish ends the response; trailers are field lines or nil.
	Finish(trailers []byte)
	// Fail ends the exchange for want of a (whole) response. member is the
	// upstream's name, "" if there was none.
	Fail(f Failure, member string)
	// Room is how many bytes of content the client's side takes now; the
	// relay pauses when it is 0 or less, until Resume.
	Room() int64
}
