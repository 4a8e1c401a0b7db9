package discovery

import (
	"context"
	"errors"
	"net"
	"os"
)

// notFound is the error of a name that does not exist, or has no records of
// the kind that is wanted.
func notFound(name string) *net.DNSError {
	return &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
}

// refused is the error of a name server that answers but does not resolve.
func refused(name, server, reason string) *net.DNSError {
	return &net.DNSError{Err: reason, Name: name, Server: server, IsTemporary: true}
}

// failed is the error of a name server that could not be asked.
func failed(name, server string, err error) *net.DNSError {
	e := &net.DNSError{UnwrapErr: err, Err: err.Error(), Name: name, Server: server, IsTemporary: true}
	var timeout net.Error
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout() {
		e.IsTimeout, e.Err = true, "the name server did not answer in time"
	}
	return e
}

// definite reports whether an error says that there is nothing to be found,
// and not that it could not be found out.
func definite(err error) bool {
	var e *net.DNSError
	return errors.As(err, &e) && e.IsNotFound
}
