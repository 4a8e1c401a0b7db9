package health

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/anygate/anygate/engine"
	"github.com/anygate/anygate/http1"
	"github.com/anygate/anygate/proxy"
	"github.com/anygate/anygate/proxy/proxyproto"
	"github.com/anygate/anygate/tlsedge"
)

// Dialer makes a connection to a member: network is "tcp" or "unix". What it returns may be a connection of TLS; its
// deadlines must work.
type Dialer func(ctx context.Context, network, address string) (net.Conn, error)

// probe is one active check on its way.
//
// Each has a connection of its own: what is to be known is whether a new one is accepted and answered, and a kept one
// would have to be told apart from one that the member has given up.
type probe struct {
	check *Check
	addr  *engine.Addr
	// preamble is the version of the PROXY protocol with which connections begin, 0 for none.
	preamble uint8
	// tls is how TLS is spoken to the member, nil for not at all.
	tls *tls.Config
	// protocol is what the upstream speaks.
	protocol proxy.Protocol
	dial     Dialer
}

// run makes the check. It returns nil if it has passed, with the head of the answer; the content is read by finish, which
// is never nil.
func (p *probe) run(process context.Context) (finish func(), err error) {
	finish = func() {}
	began := time.Now()
	defer func() {
		// The deadline passes for a process that is stopped or starved as well, with the answer waiting in the socket.
		if err != nil && time.Since(began) > p.check.Timeout+lateness {
			err = ownFault{fmt.Errorf("looked at %s after it began", time.Since(began).Round(time.Millisecond))}
		}
	}()
	ctx, cancel := context.WithTimeout(process, p.check.Timeout)
	defer cancel()
	network, address := "tcp", p.addr.String()
	if p.addr.Unix() {
		network, address = "unix", strings.TrimPrefix(address, "unix:")
	}
	c, err := p.dial(ctx, network, address)
	if err != nil {
		return finish, p.explain(ctx, err, "not connected")
	}
	deadline, _ := ctx.Deadline()
	_ = c.SetDeadline(deadline)
	// The process may end before the deadline, also while the content is read.
	socket := c // c is what is spoken on it later
	stop := context.AfterFunc(process, func() { _ = socket.SetDeadline(time.Unix(1, 0)) })
	finish = func() {
		stop()
		_ = c.Close()
	}

	if c, err = p.secure(ctx, c); err != nil {
		return finish, p.explain(ctx, err, "no TLS")
	}
	if p.protocol != proxy.HTTP1 {
		return finish, p.askH2(ctx, c)
	}
	if p.check.GRPC {
		return finish, errors.New("gRPC is spoken over HTTP/2, and the pool speaks HTTP/1.1")
	}
	if _, err := c.Write(p.request()); err != nil {
		return finish, p.explain(ctx, err, "no answer")
	}
	status, content, err := readHead(c)
	if err != nil {
		return finish, p.explain(ctx, err, "no answer")
	}
	end := finish
	finish = func() {
		_, _ = io.CopyN(io.Discard, c, content)
		end()
	}
	if !p.check.passes(status) {
		return finish, fmt.Errorf("status %d", status)
	}
	return finish, nil
}

// secure makes what comes before the request: a PROXY header, and the handshake of TLS behind it.
func (p *probe) secure(ctx context.Context, c net.Conn) (net.Conn, error) {
	if p.preamble != 0 && p.tls != nil {
		if _, err := c.Write(proxyproto.AppendLocal(nil, p.preamble)); err != nil {
			return c, err
		}
	}
	if p.tls == nil {
		return c, nil
	}
	secure := tls.Client(c, p.tls)
	if err := secure.HandshakeContext(ctx); err != nil {
		return c, handshakeError{err}
	}
	if p.protocol == proxy.H2 && secure.ConnectionState().NegotiatedProtocol != "h2" {
		return c, handshakeError{tlsedge.ErrNoH2}
	}
	return secure, nil
}

// handshakeError is a handshake that has failed, which is told of as that of a request is.
type handshakeError struct{ error }

func (e handshakeError) Unwrap() error { return e.error }

func (p *probe) request() []byte {
	var b []byte
	if p.preamble != 0 && p.tls == nil {
		b = proxyproto.AppendLocal(b, p.preamble)
	}
	b = http1.AppendRequestLine(b, "GET", p.check.Path)
	b = http1.AppendField(b, "Host", p.host())
	b = http1.AppendField(b, "User-Agent", "anygate-health")
	b = http1.AppendField(b, "Accept", "*/*")
	b = http1.AppendField(b, "Connection", "close")
	return append(b, "\r\n"...)
}

func (p *probe) host() string {
	switch {
	case p.check.Host != "":
		return p.check.Host
	case p.addr.Unix():
		return "localhost"
	}
	host := p.addr.String()
	// A zone has no meaning but on this machine, and no place in a URI's host (RFC 9110, section 7.2).
	if zone := strings.IndexByte(host, '%'); zone >= 0 {
		host = host[:zone] + host[strings.LastIndexByte(host, ']'):]
	}
	return host
}

// readHead reads up to the end of the head of the final response, and returns its status and how much of its content is
// still to be read. A head has the bounds of every head.
func readHead(r io.Reader) (status int, content int64, err error) {
	limits := http1.DefaultLimits
	b := make([]byte, 0, 4096)
	var head http1.Response
	for interim := 0; interim <= maxInterim; {
		n, bad := head.Scan(b, &limits)
		switch {
		case bad != http1.OK:
			return 0, 0, fmt.Errorf("not an HTTP response: %w", bad)
		case n == 0:
			b = slices.Grow(b, 1)
			got, err := r.Read(b[len(b):cap(b)])
			if b = b[:len(b)+got]; got == 0 && err != nil {
				return 0, 0, err
			}
		case head.Interim():
			interim++
			b = append(b[:0], b[n:]...)
		default:
			content = checkContent
			if kind, length := head.Content(http1.GET); kind == http1.BodyNone || kind == http1.BodyLength {
				content = max(0, min(content, length-int64(len(b)-n)))
			}
			return head.Status, content, nil
		}
	}
	return 0, 0, fmt.Errorf("more than %d interim responses", maxInterim)
}

// explain says in a few words, for the log, what has become of a check; phase is what a deadline that has passed means.
func (p *probe) explain(ctx context.Context, err error, phase string) error {
	switch {
	case ctx.Err() != nil, errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("%s within %s", phase, p.check.Timeout)
	case errors.As(err, new(handshakeError)) && !errors.As(err, new(syscall.Errno)):
		return errors.New("TLS: " + tlsedge.Explain(err))
	case tlsedge.RefusesUs(err):
		return errors.New("TLS: " + tlsedge.Explain(err))
	case errors.Is(err, io.EOF):
		return errors.New("the connection ended before a response")
	}
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		return err
	}
	switch errno {
	case syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.EADDRNOTAVAIL:
		return ownFault{errno}
	}
	return errno
}

// ownFault is why a check could not be made for want of something on this side. It says nothing about the member.
type ownFault struct{ error }
