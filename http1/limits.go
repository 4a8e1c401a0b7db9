package http1

// MaxHeadBytes is the largest head that can be parsed, because a Span counts in 16 bits. Limits.HeadBytes is
// held to it.
const MaxHeadBytes = 1<<16 - 1

// Limits bounds every dimension of a message that a peer chooses. All of them are checked before the bytes in question
// are stored or acted on.
type Limits struct {
	// RequestLine is the longest request line or status line in bytes, without its CRLF. A longer request line is
	// answered 414 (RFC 9112, section 3).
	RequestLine int
	// HeadBytes is the longest head in bytes, from the first byte of the start line to the end of the empty line. A
	// longer one is answered 431 (RFC 6585, section 5).
	HeadBytes int
	// Fields is the largest number of field lines in a head, and separately in a trailer section. More are answered
	// 431.
	Fields int
	// TrailerBytes is the longest trailer section in bytes, its closing empty line included; at most MaxHeadBytes.
	TrailerBytes int
	// ChunkLine is the longest chunk-size line in bytes, extensions included and CRLF not; at most MaxHeadBytes.
	ChunkLine int
}

// DefaultLimits is what a server starts from when its configuration is silent. It admits every request that a
// mainstream client sends by itself; only applications with very large cookies need more.
var DefaultLimits = Limits{
	RequestLine:  8 << 10,
	HeadBytes:    32 << 10,
	Fields:       100,
	TrailerBytes: 8 << 10,
	ChunkLine:    256,
}

// headBytes is the effective head limit.
func (l *Limits) headBytes() int { return min(l.HeadBytes, MaxHeadBytes) }

// maxConnectionOptions bounds the members of all Connection fields of one message. Each option that names an
// unregistered field is compared with every field of the head, so that without the bound a crafted head would cost
// time that is quadratic in its size. Real messages have one to three.
const maxConnectionOptions = 16
