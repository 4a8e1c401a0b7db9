package tlsedge

import (
	"crypto/tls"
	"errors"
	"io"
	"strings"
)

// The codes of FailureCode, for metrics.
const (
	failureHTTP        = "plain_http"         // the client speaks HTTP without TLS
	failureNoTLS       = "not_tls"            // or something else
	failureHello       = "hello_too_long"     // its ClientHello has no end
	failureVersion     = "version"            // it knows no version that is offered
	failureCipher      = "cipher_suite"       // or no cipher suite
	failureGroup       = "group"              // or no group
	failureProtocol    = "alpn"               // or no protocol
	failureName        = "name"               // no certificate is for the name that it asks for
	failureCertificate = "client_certificate" // its own is missing, or not to be trusted
	failureAlert       = "client_alert"       // it has ended the handshake, by an alert
	failureClosed      = "closed"             // or without a word
	failureBusy        = "busy"               // too many signatures wait for workers
	failureBuffers     = "buffers"            // the shard has no buffer left
	failureInternal    = "internal"           // a fault of this program
	failureRest        = "protocol"           // it breaks the rules of TLS
)

// failureTexts are what errors of crypto/tls, which have no types, say of a ClientHello
// that nothing can be agreed with on.
var failureTexts = []struct{ text, code string }{
	{"unsupported versions", failureVersion},
	{"no cipher suite", failureCipher},
	{"no supported elliptic curves", failureGroup},
	{"no ECDHE curve", failureGroup},
	{"key exchanges supported by both", failureGroup},
	{"application protocols", failureProtocol},
	{"client didn't provide a certificate", failureCertificate},
}

// FailureCode sorts the error of a client's handshake. It is one of a few constants,
// whatever the client sends.
func FailureCode(err error) string {
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return failureCertificate
	}
	if _, ok := errors.AsType[*Panicked](err); ok {
		return failureInternal
	}
	if _, ok := errors.AsType[nameRefused](err); ok {
		return failureName // whatever is in the name
	}
	switch {
	case errors.Is(err, errHTTP):
		return failureHTTP
	case errors.Is(err, errNoTLS):
		return failureNoTLS
	case errors.Is(err, errLongHello):
		return failureHello
	case errors.Is(err, errBusy):
		return failureBusy
	case errors.Is(err, errNoBuffers):
		return failureBuffers
	case alertOf(err) != nil:
		return failureAlert
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return failureClosed
	}
	text := err.Error()
	for _, f := range failureTexts {
		if strings.Contains(text, f.text) {
			return f.code
		}
	}
	return failureRest
}
