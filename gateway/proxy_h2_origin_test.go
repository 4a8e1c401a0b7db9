package gateway

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/net/http2/hpack"

	"github.com/anygate/anygate/proxy"
)

// The upstreams of these tests speak HTTP/2 by code of their own, with the
// compression of golang.org/x/net, so that nothing of the product is tested
// against itself.

// The frame types, flags and settings of RFC 9113.
const (
	frameData, frameHeaders, frameReset, frameSettings = 0, 1, 3, 4
	framePing, frameGoAway, frameWindow, frameContinue = 6, 7, 8, 9

	flagEnd, flagAck, flagEndHeaders, flagPadded, flagPriority = 1, 1, 4, 8, 0x20

	settingStreams, settingWindow, settingFrame, settingConnect = 3, 4, 5, 8
)

// origin is a script for an upstream of HTTP/2.
type origin struct {
	// settings are what each connection announces, pairs of identifier and value.
	settings []uint32
	// silent keeps the settings back.
	silent bool
	// narrow gives the proxy's content only so much window again as it has
	// sent, and only when it has used up what there was.
	narrow bool
	// begin is called with the head of each request, serve when it is whole.
	begin, serve func(r *originRequest)
	// part is called with each piece of content, instead of keeping it.
	part func(r *originRequest, b []byte)
	// gone is called for each RST_STREAM.
	gone func(r *originRequest, code uint32)
	// raw is called with each other frame.
	raw func(c *originConn, kind, flags byte, stream uint32, payload []byte)
}

// originConn is the origin's end of a connection.
type originConn struct {
	*upstreamConn
	o        *origin
	greeted  bool
	decoder  *hpack.Decoder
	encoder  *hpack.Encoder
	block    bytes.Buffer
	fields   []hpack.HeaderField
	requests map[uint32]*originRequest
	order    []*originRequest
	room     int64 // of the connection, for responses
	initial  int64 // of a stream
	resets   int   // RST_STREAM received
	pings    int   // PING received
	goaway   bool  // GOAWAY received
}

// originRequest is a request, as far as it has come.
type originRequest struct {
	c        *originConn
	stream   uint32
	fields   []hpack.HeaderField
	trailers []hpack.HeaderField
	content  []byte
	ended    bool
	reset    bool
	room     int64 // of the stream, for the response
	used     int64 // content received since the last WINDOW_UPDATE
	pending  []byte
	finish   func()
}

// get is the value of a field, pseudo-header fields included.
func (r *originRequest) get(name string) string {
	var values []string
	for _, f := range r.fields {
		if f.Name == name {
			values = append(values, f.Value)
		}
	}
	return strings.Join(values, "|")
}

// data makes the function that an upstream is made with.
func (o *origin) data() func(c *upstreamConn) {
	return func(u *upstreamConn) {
		c, _ := u.state.(*originConn)
		if c == nil {
			c = &originConn{upstreamConn: u, o: o, requests: map[uint32]*originRequest{}, room: 65535, initial: 65535}
			c.decoder = hpack.NewDecoder(4096, func(f hpack.HeaderField) { c.fields = append(c.fields, f) })
			c.encoder = hpack.NewEncoder(&c.block)
			u.state = c
		}
		c.receive()
	}
}

func (c *originConn) receive() {
	const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
	if !c.greeted {
		if len(c.in) < len(preface) {
			return
		}
		if string(c.in[:len(preface)]) != preface {
			panic(fmt.Sprintf("no preface: %q", c.in))
		}
		c.in = c.in[len(preface):]
		c.greeted = true
		if !c.o.silent {
			c.announce()
		}
	}
	for len(c.in) >= 9 {
		n := int(c.in[0])<<16 | int(c.in[1])<<8 | int(c.in[2])
		if len(c.in) < 9+n {
			return
		}
		kind, flags, stream := c.in[3], c.in[4], binary.BigEndian.Uint32(c.in[5:])
		payload := bytes.Clone(c.in[9 : 9+n])
		c.in = c.in[9+n:]
		c.take(kind, flags, stream, payload)
	}
}

// announce sends the settings.
func (c *originConn) announce() {
	var b []byte
	for i := 0; i+1 < len(c.o.settings); i += 2 {
		b = binary.BigEndian.AppendUint16(b, uint16(c.o.settings[i]))
		b = binary.BigEndian.AppendUint32(b, c.o.settings[i+1])
	}
	c.frame(frameSettings, 0, 0, b)
}

func (c *originConn) take(kind, flags byte, stream uint32, p []byte) {
	r := c.requests[stream]
	switch kind {
	case frameHeaders:
		if flags&flagEndHeaders == 0 {
			panic("the test knows no CONTINUATION")
		}
		c.fields = nil
		if _, err := c.decoder.Write(p); err != nil {
			panic(err)
		}
		if err := c.decoder.Close(); err != nil {
			panic(err)
		}
		switch {
		case r == nil:
			r = &originRequest{c: c, stream: stream, fields: c.fields, room: c.initial}
			c.requests[stream] = r
			c.order = append(c.order, r)
			if c.o.begin != nil {
				c.o.begin(r)
			}
		default:
			r.trailers = c.fields
		}
		if flags&flagEnd != 0 {
			r.end()
		}
	case frameData:
		r.used += int64(len(p))
		if c.o.part != nil {
			c.o.part(r, p)
		} else {
			r.content = append(r.content, p...)
		}
		if len(p) > 0 && !c.o.narrow {
			c.window(0, len(p))
			if flags&flagEnd == 0 {
				c.window(stream, len(p))
			}
		}
		if flags&flagEnd != 0 {
			r.end()
		}
	case frameReset:
		c.resets++
		r.reset = true
		if c.o.gone != nil {
			c.o.gone(r, binary.BigEndian.Uint32(p))
		}
	case frameSettings:
		if flags&flagAck == 0 {
			for ; len(p) > 0; p = p[6:] {
				if binary.BigEndian.Uint16(p) == settingWindow {
					c.initial = int64(binary.BigEndian.Uint32(p[2:]))
				}
			}
			c.frame(frameSettings, flagAck, 0, nil)
		}
	case framePing:
		if flags&flagAck == 0 {
			c.pings++
			if c.o.raw == nil {
				c.frame(framePing, flagAck, 0, p)
			}
		}
	case frameWindow:
		n := int64(binary.BigEndian.Uint32(p))
		if stream == 0 {
			c.room += n
			for _, r := range c.order {
				r.push()
			}
		} else if r != nil {
			r.room += n
			r.push()
		}
	case frameGoAway:
		c.goaway = true
	}
	if c.o.raw != nil {
		c.o.raw(c, kind, flags, stream, p)
	}
}

func (r *originRequest) end() {
	r.ended = true
	if r.c.o.serve != nil {
		r.c.o.serve(r)
	}
}

func (c *originConn) frame(kind, flags byte, stream uint32, p []byte) {
	b := []byte{byte(len(p) >> 16), byte(len(p) >> 8), byte(len(p)), kind, flags}
	b = binary.BigEndian.AppendUint32(b, stream)
	c.write(string(append(b, p...)))
}

// window lets the proxy send n bytes more.
func (c *originConn) window(stream uint32, n int) {
	c.frame(frameWindow, 0, stream, binary.BigEndian.AppendUint32(nil, uint32(n)))
}

// head sends fields, given as pairs.
func (r *originRequest) head(end bool, pairs ...string) {
	c := r.c
	c.block.Reset()
	for i := 0; i+1 < len(pairs); i += 2 {
		if err := c.encoder.WriteField(hpack.HeaderField{Name: pairs[i], Value: pairs[i+1]}); err != nil {
			panic(err)
		}
	}
	flags := byte(flagEndHeaders)
	if end {
		flags |= flagEnd
	}
	c.frame(frameHeaders, flags, r.stream, c.block.Bytes())
}

// send sends content as the windows allow, and calls finish behind it; nil
// ends the stream.
func (r *originRequest) send(b []byte, finish func()) {
	r.pending, r.finish = b, finish
	r.push()
}

// add sends more content behind what is on its way, and ends the stream if
// that is the last of it.
func (r *originRequest) add(b []byte, last bool) {
	finish := func() {}
	if last {
		finish = nil
	}
	r.send(append(r.pending, b...), finish)
}

func (r *originRequest) push() {
	for len(r.pending) > 0 && !r.reset {
		n := int(min(int64(len(r.pending)), r.room, r.c.room, 16384))
		if n <= 0 {
			return
		}
		last := n == len(r.pending) && r.finish == nil
		flags := byte(0)
		if last {
			flags = flagEnd
		}
		r.c.frame(frameData, flags, r.stream, r.pending[:n])
		r.room -= int64(n)
		r.c.room -= int64(n)
		r.pending = r.pending[n:]
		if len(r.pending) == 0 && r.finish != nil {
			r.finish()
		}
	}
}

// answer sends a whole response.
func (r *originRequest) answer(status, content string, pairs ...string) {
	pairs = append([]string{":status", status}, pairs...)
	r.head(content == "", pairs...)
	if content != "" {
		r.send([]byte(content), nil)
	}
}

// cut resets the stream, leave says that the connection ends.
func (r *originRequest) cut(code uint32) {
	r.c.frame(frameReset, 0, r.stream, binary.BigEndian.AppendUint32(nil, code))
}

func (c *originConn) leave(last, code uint32) {
	c.frame(frameGoAway, 0, 0, binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, last), code))
}

// tells answers with what has been asked.
func tells(r *originRequest) {
	content := string(r.content)
	if len(content) > 100 {
		content = fmt.Sprintf("%d bytes", len(content))
	}
	for _, f := range r.trailers {
		content += " " + f.Name + "=" + f.Value
	}
	r.answer("200", r.get(":method")+" "+r.get(":path")+" "+content)
}

// speaksH2 makes the upstreams of the world be spoken to over HTTP/2, in
// cleartext if they are not under TLS.
func (w *world) speaksH2(change func(s *proxy.Settings)) {
	s := proxy.DefaultSettings
	if s.Protocol = proxy.H2C; w.securing != nil {
		s.Protocol = proxy.H2
	}
	s.GRPCFailures = 1 << 14
	if change != nil {
		change(&s)
	}
	w.pooling = &s
}

// forEachH2 runs a test on each engine, with an upstream "up" of HTTP/2.
func forEachH2(t *testing.T, o *origin, test func(t *testing.T, w *world, u *upstream)) {
	forEachEngine(t, func(t *testing.T, w *world) {
		fresh := *o
		w.speaksH2(nil)
		test(t, w, w.upstream("up", fresh.data()))
	})
}

// conn is the k-th connection that an upstream of HTTP/2 has had.
func (u *upstream) h2conn(k int) *originConn { return u.conns[k].state.(*originConn) }
