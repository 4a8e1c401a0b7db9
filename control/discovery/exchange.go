package discovery

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// ask puts a question to the name servers, one after the other, until one of
// them answers it.
func (r *resolver) ask(ctx context.Context, c *conf, q question) (*reply, error) {
	name := q.name.String()
	servers := c.servers
	first := 0
	if c.rotate {
		first = int(r.turn.Add(1) % uint32(len(servers)))
	}
	var last error
	for range c.attempts {
		for k := range servers {
			server := servers[(first+k)%len(servers)]
			rep, err := exchange(ctx, c, server, q)
			if err != nil {
				last = failed(name, server.String(), err)
				if ctx.Err() != nil {
					return nil, last
				}
				continue
			}
			switch code := rep.header.RCode; {
			case code == dnsmessage.RCodeNameError:
				return nil, notFound(name)
			case code != dnsmessage.RCodeSuccess:
				last = refused(name, server.String(), "the name server answered "+rcode(code))
			case rep.empty && !rep.header.Authoritative && !rep.header.RecursionAvailable:
				last = refused(name, server.String(), "the name server does not know and does not ask others")
			default:
				return rep, nil
			}
		}
	}
	return nil, last
}

// rcode is the name of a response code, as other tools show it.
func rcode(code dnsmessage.RCode) string {
	switch code {
	case dnsmessage.RCodeFormatError:
		return "FORMERR"
	case dnsmessage.RCodeServerFailure:
		return "SERVFAIL"
	case dnsmessage.RCodeNotImplemented:
		return "NOTIMP"
	case dnsmessage.RCodeRefused:
		return "REFUSED"
	}
	return code.GoString()
}

// exchange puts a question to one name server: over UDP, over TCP if the answer
// does not fit, and without EDNS if the server does not know it (RFC 6891,
// section 7).
func exchange(ctx context.Context, c *conf, server netip.AddrPort, q question) (*reply, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	rep, err := once(ctx, c.tcp, server, q, true)
	if err == nil && (rep.header.RCode == dnsmessage.RCodeFormatError || rep.header.RCode == dnsmessage.RCodeNotImplemented) {
		return once(ctx, c.tcp, server, q, false)
	}
	return rep, err
}

func once(ctx context.Context, tcp bool, server netip.AddrPort, q question, edns bool) (*reply, error) {
	if !tcp {
		rep, err := send(ctx, "udp", server, q, edns)
		if err != nil || !rep.header.Truncated {
			return rep, err
		}
	}
	rep, err := send(ctx, "tcp", server, q, edns)
	if err == nil && rep.header.Truncated {
		return nil, errors.New("the answer is truncated over TCP as well")
	}
	return rep, err
}

// send makes one exchange of messages. Each has a socket of its own, so that
// its port is as hard to guess as its number.
func send(ctx context.Context, network string, server netip.AddrPort, q question, edns bool) (*reply, error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, network, server.String())
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()

	id := uint16(rand.Uint32()) // from ChaCha8, seeded by the system
	message, err := q.pack(id, edns)
	if err != nil {
		return nil, err
	}
	if network == "tcp" {
		if _, err := conn.Write(message); err != nil {
			return nil, err
		}
		message, err := frame(conn)
		if err != nil {
			return nil, err
		}
		return q.parse(id, message)
	}
	if _, err := conn.Write(message[2:]); err != nil {
		return nil, err
	}
	buf := make([]byte, 4096)
	for {
		n, err := conn.Read(buf)
		if err != nil {
			return nil, err
		}
		// What does not answer the question may be forged, and the answer
		// still be on its way.
		rep, err := q.parse(id, buf[:n])
		if !errors.Is(err, errOther) {
			return rep, err
		}
	}
}

// frame reads a message with its length in front (RFC 1035, section 4.2.2).
func frame(conn io.Reader) ([]byte, error) {
	var size [2]byte
	if _, err := io.ReadFull(conn, size[:]); err != nil {
		return nil, err
	}
	message := make([]byte, int(size[0])<<8|int(size[1]))
	_, err := io.ReadFull(conn, message)
	return message, err
}
