package tlsedge

// A handshake begins when the whole ClientHello has come: until then a client
// costs the buffer of what it has sent, and no coroutine.

// greeting is what the first bytes of a client's are.
type greeting uint8

const (
	greetingPart  greeting = iota // the beginning of a ClientHello
	greetingHello                 // a whole one, or something that crypto/tls answers
	greetingHTTP                  // a request without TLS
	greetingJunk                  // nothing of the kind
	greetingLong                  // more than any client has to say
)

const (
	handshakeHead   = 4
	typeClientHello = 1
)

// greets looks at the first bytes of a connection. The ClientHello may lie in
// several records (RFC 8446, section 5.1). If it is incomplete there is no use in
// looking again before more bytes have come: to go over thousands of small records with
// each byte would cost much more than to send them.
func greets(b []byte) (g greeting, more int) {
	if len(b) == 0 {
		return greetingPart, 1
	}
	switch c := b[0]; {
	case c == typeHandshake:
	case c >= 'A' && c <= 'Z':
		return greetingHTTP, 0
	default:
		return greetingJunk, 0
	}
	var head [handshakeHead]byte
	have, need := 0, handshakeHead
	for at, records := 0, 0; ; records++ {
		if len(b)-at < recordHead {
			return partial(b, records, need-have)
		}
		n := int(b[at+3])<<8 | int(b[at+4])
		if b[at] != typeHandshake || b[at+1] != 3 || n == 0 || n > recordContent {
			if at == 0 && b[at+1] != 3 {
				return greetingJunk, 0
			}
			// A malformed message: crypto/tls knows the right alert.
			return greetingHello, 0
		}
		at += recordHead
		k := min(n, len(b)-at)
		if have < handshakeHead {
			copy(head[have:], b[at:at+k])
			if have+k >= handshakeHead {
				if head[0] != typeClientHello {
					return greetingHello, 0
				}
				need = handshakeHead + int(head[1])<<16 + int(head[2])<<8 + int(head[3])
				if need > helloMost {
					return greetingLong, 0
				}
			}
		}
		have += k
		if have >= need && need > handshakeHead {
			return greetingHello, 0
		}
		if k < n {
			return partial(b, records, need-have)
		}
		at += n
	}
}

// partial is the verdict on the beginning of a ClientHello, of which at least left bytes
// are missing. In few records each byte is looked at as it comes.
func partial(b []byte, records, left int) (g greeting, more int) {
	switch most := helloMost + 1 - len(b); {
	case most <= 0:
		return greetingLong, 0
	case records <= helloRecords:
		return greetingPart, 1
	default:
		return greetingPart, max(1, min(left, most))
	}
}

// answerHTTP is what a client that speaks HTTP without TLS is told, in its own
// language; an alert would look like rubbish to it.
var answerHTTP = []byte("HTTP/1.1 400 Bad Request\r\n" +
	"Content-Type: text/plain; charset=utf-8\r\n" +
	"Content-Length: 58\r\n" +
	"Connection: close\r\n\r\n" +
	"400 This port speaks HTTPS: use https:// in place of http\n")

// plainAlert is an alert before there are keys.
func plainAlert(alert byte) []byte {
	return []byte{typeAlert, 3, 3, 0, 2, alertFatal, alert}
}
