package health

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"strconv"

	"github.com/anygate/anygate/h2"
	"github.com/anygate/anygate/http1"
	"github.com/anygate/anygate/proxy"
)

// A check over HTTP/2 asks the same as one over HTTP/1.1, on a connection of its own as well. One of gRPC's health
// protocol (grpc.health.v1.Health/Check) is a POST whose answer says whether a service is served.

// grpcCheck is the path of gRPC's health protocol.
const grpcCheck = "/grpc.health.v1.Health/Check"

// serving is what the answer says of a service that is.
const serving = 1

// answerH2 is what has come of an answer.
type answerH2 struct {
	status  int
	grpc    int // the status of gRPC, -1 if there is none
	content []byte
	ended   bool
}

// askH2 makes the check, and says why it has not passed.
func (p *probe) askH2(ctx context.Context, c net.Conn) error {
	a := answerH2{grpc: -1}
	if err := p.exchangeH2(c, &a); err != nil {
		return p.explain(ctx, err, "no answer")
	}
	switch {
	case !p.check.GRPC && p.check.passes(a.status):
		return nil
	case !p.check.GRPC, a.status != 200:
		return fmt.Errorf("status %d", a.status)
	case a.grpc != 0:
		return fmt.Errorf("gRPC status %d", a.grpc)
	}
	if state := healthState(a.content); state != serving {
		return fmt.Errorf("not serving: %s", stateName(state))
	}
	return nil
}

// exchangeH2 sends the request and reads as much of the answer as the check is about.
func (p *probe) exchangeH2(c net.Conn, a *answerH2) error {
	cfg := h2.DefaultConfig
	cfg.Streams = 1
	var conn h2.Conn
	sc := h2.NewScratch()
	conn.Dial(sc, &cfg)
	defer conn.Close()
	p.requestH2(&conn, sc)
	b := make([]byte, 16<<10)
	var ev h2.Event
	for {
		if len(sc.Out) > 0 {
			if _, err := c.Write(sc.Out); err != nil {
				return err
			}
			sc.Out = sc.Out[:0]
		}
		n, err := c.Read(b)
		if n == 0 && err != nil {
			return err
		}
		for rest := b[:n]; ; {
			k := conn.Next(rest, &ev)
			rest = rest[k:]
			if ev.Kind == h2.EventNone {
				break
			}
			if done, err := p.takeH2(&conn, sc, &ev, a); done || err != nil {
				conn.GoAway(true, h2.NoError)
				_, _ = c.Write(sc.Out)
				return err
			}
		}
	}
}

// takeH2 takes an event of the connection. It reports whether enough is known.
func (p *probe) takeH2(conn *h2.Conn, sc *h2.Scratch, ev *h2.Event, a *answerH2) (done bool, err error) {
	switch ev.Kind {
	case h2.EventHead:
		a.status, a.ended = sc.Response.Status, ev.End
		if i := sc.Response.Find("grpc-status"); i >= 0 && ev.End {
			a.grpc, _ = strconv.Atoi(string(sc.Response.Value(&sc.Response.Fields[i])))
		}
		return !p.check.GRPC || ev.End, nil
	case h2.EventData:
		if a.content = append(a.content, ev.Data...); len(a.content) > checkContent {
			return true, errors.New("the answer is too long")
		}
		conn.Grant(ev.Stream, len(ev.Data))
		return ev.End, nil
	case h2.EventTrailers:
		a.grpc = proxy.GRPCStatus(ev.Trailers)
		return true, nil
	case h2.EventReset:
		return true, fmt.Errorf("the stream was reset: %s", ev.Code)
	case h2.EventGoAway:
		if a.status == 0 && ev.Last == 0 {
			return true, fmt.Errorf("the connection was refused: %s", ev.Code)
		}
	case h2.EventFatal:
		return true, fmt.Errorf("not an HTTP/2 response: %s", ev.Reason)
	}
	return false, nil
}

// requestH2 writes the request.
func (p *probe) requestH2(conn *h2.Conn, sc *h2.Scratch) {
	head := h2.RequestHead{Method: []byte("GET"), Scheme: []byte("http"), Authority: []byte(p.host()), Path: []byte(p.check.Path), Length: -1}
	if p.tls != nil {
		head.Scheme = []byte("https")
	}
	head.Block = http1.AppendField(head.Block, "User-Agent", "anygate-health")
	s := conn.Open(false)
	if !p.check.GRPC {
		head.Block = http1.AppendField(head.Block, "Accept", "*/*")
		sc.Out = conn.AppendRequest(sc.Out, s, &head, true)
		return
	}
	head.Method, head.Path = []byte("POST"), []byte(grpcCheck)
	head.Block = http1.AppendField(head.Block, "Content-Type", "application/grpc")
	head.Block = http1.AppendField(head.Block, "TE", "trailers")
	message := healthRequest(p.check.Service)
	sc.Out = conn.AppendRequest(sc.Out, s, &head, false)
	sc.Out = conn.AppendDataHeader(sc.Out, s, len(message), true)
	sc.Out = append(sc.Out, message...)
}

// healthRequest is a HealthCheckRequest: the name of the service is its field 1. In front of a message come a byte that
// says whether it is compressed, and its length.
func healthRequest(service string) []byte {
	var m []byte
	if service != "" {
		m = append(m, 1<<3|2)
		m = binary.AppendUvarint(m, uint64(len(service)))
		m = append(m, service...)
	}
	return append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(m))), m...)
}

// healthState is the field 1 of a HealthCheckResponse, 0 if it is not there.
func healthState(content []byte) uint64 {
	if len(content) < 5 || content[0] != 0 || binary.BigEndian.Uint32(content[1:]) != uint32(len(content)-5) {
		return 0
	}
	for m := content[5:]; len(m) > 0; {
		key, n := binary.Uvarint(m)
		if n <= 0 || key&7 != 0 { // a varint is all that the message has
			return 0
		}
		v, k := binary.Uvarint(m[n:])
		if k <= 0 {
			return 0
		}
		if key == 1<<3 {
			return v
		}
		m = m[n+k:]
	}
	return 0
}

func stateName(state uint64) string {
	switch state {
	case 2:
		return "NOT_SERVING"
	case 3:
		return "SERVICE_UNKNOWN"
	}
	return "UNKNOWN"
}
