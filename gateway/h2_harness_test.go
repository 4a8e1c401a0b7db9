package gateway

import (
	"bytes"
	"fmt"
	"net/http"
	"sort"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/anygate/anygate/h2"
)

// h2Client is the far end of an HTTP/2 connection. It is made of x/net's
// framer and header compression, which know nothing of ours.
type h2Client struct {
	*client
	in      []byte
	out     bytes.Buffer
	framer  *http2.Framer // writes to out
	reader  *http2.Framer // reads from pending
	pending *bytes.Reader
	enc     *hpack.Encoder
	block   bytes.Buffer
	streams map[uint32]*h2Exchange
	next    uint32 // identifier

	window   int64 // for content of requests
	initial  int64
	frame    int
	settings bool // ours have been acknowledged
	greedy   bool // windows of responses are opened as they are used
	strict   bool // a connection error fails the test
	extended bool // extended CONNECT is announced
	pings    int  // acknowledged
	goaways  []*http2.GoAwayFrame
	resets   int
}

// h2Exchange is an exchange as the client sees it.
type h2Exchange struct {
	c        *h2Client
	id       uint32
	window   int64
	left     string // content that is still to be sent
	hold     int    // how much of it is kept back
	trailers string
	sentEnd  bool

	interim, head, got, gotTrailers string
	ended, reset, cancelled         bool
	code                            http2.ErrCode
}

// h2 gives the settings of a world HTTP/2.
func (w *world) muxed() {
	cfg := h2.DefaultConfig
	cfg.HTTP = w.settings.HTTP
	w.settings.H2 = &cfg
}

// h2Client connects, and says what a client says first.
func (w *world) h2Client(settings ...http2.Setting) *h2Client {
	w.t.Helper()
	c := newH2Client(w.client())
	c.begin(settings...)
	return c
}

func newH2Client(under *client) *h2Client {
	c := &h2Client{
		client: under, streams: map[uint32]*h2Exchange{}, next: 1, window: 65535, initial: 65535, frame: 16384, greedy: true, strict: true,
		pending: bytes.NewReader(nil),
	}
	c.framer = http2.NewFramer(&c.out, nil)
	c.framer.AllowIllegalWrites = true
	c.reader = http2.NewFramer(nil, c.pending)
	c.reader.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	c.reader.MaxHeaderListSize = 1 << 20
	c.enc = hpack.NewEncoder(&c.block)
	return c
}

func (c *h2Client) begin(settings ...http2.Setting) {
	c.send(h2.Preface)
	_ = c.framer.WriteSettings(settings...)
	c.flush()
}

// flush sends the frames that were written.
func (c *h2Client) flush() {
	if c.out.Len() > 0 && !c.ended {
		c.send(c.out.String())
	}
	c.out.Reset()
}

// encode makes a header block of "name value" pairs.
func (c *h2Client) encode(fields ...[2]string) []byte {
	c.block.Reset()
	for _, f := range fields {
		_ = c.enc.WriteField(hpack.HeaderField{Name: f[0], Value: f[1]})
	}
	return c.block.Bytes()
}

// request begins an exchange, as muxClient's does: 'n' for no content, 'l' for
// content with a Content-Length, 'c' without, 't' for what a tunnel is to carry.
func (c *h2Client) request(line string, kind byte, content, trailers string) *h2Exchange {
	method, path, _ := strings.Cut(line, " ")
	fields := [][2]string{{":method", method}, {":scheme", "http"}, {":authority", "h"}, {":path", path}}
	if kind == 'l' {
		fields = append(fields, [2]string{"content-length", strconv.Itoa(len(content))})
	}
	return c.fields(fields, kind != 'n', content, trailers)
}

// fields begins an exchange with these fields, and with content or without.
func (c *h2Client) fields(fields [][2]string, open bool, content, trailers string) *h2Exchange {
	e := &h2Exchange{c: c, id: c.next, left: content, trailers: trailers, sentEnd: !open, window: c.initial}
	c.next += 2
	c.streams[e.id] = e
	_ = c.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: e.id, BlockFragment: c.encode(fields...), EndStream: !open, EndHeaders: true})
	c.flush()
	return e
}

// work sends what may be sent and takes in what has come.
func (c *h2Client) work() {
	ids := make([]int, 0, len(c.streams))
	for id := range c.streams {
		ids = append(ids, int(id))
	}
	sort.Ints(ids)
	for _, id := range ids {
		c.streams[uint32(id)].push()
	}
	c.flush()
	if c.peer != nil {
		c.w.step()
	}
	c.poll()
	c.takeIn()
	c.flush()
}

// takeIn takes whole frames from what has come; head blocks go with their
// continuations.
func (c *h2Client) takeIn() {
	c.in = append(c.in, c.got...)
	c.got = nil
	for {
		n := wholeFrame(c.in)
		if n == 0 {
			return
		}
		c.pending.Reset(c.in[:n])
		f, err := c.reader.ReadFrame()
		if err != nil {
			c.w.t.Fatalf("a frame of the gateway's is wrong: %v (%x)", err, c.in[:min(n, 100)])
		}
		c.take(f)
		c.in = c.in[n:]
	}
}

// wholeFrame is the length of the frame, or of the frames of a header block,
// that b begins with; 0 if there is more to come.
func wholeFrame(b []byte) (n int) {
	for {
		if len(b) < n+9 {
			return 0
		}
		h := b[n:]
		kind, flags := http2.FrameType(h[3]), http2.Flags(h[4])
		if n += 9 + (int(h[0])<<16 | int(h[1])<<8 | int(h[2])); len(b) < n {
			return 0
		}
		if (kind != http2.FrameHeaders && kind != http2.FrameContinuation) || flags.Has(http2.FlagHeadersEndHeaders) {
			return n
		}
	}
}

func (c *h2Client) take(f http2.Frame) {
	t := c.w.t
	switch f := f.(type) {
	case *http2.SettingsFrame:
		if f.IsAck() {
			c.settings = true
			return
		}
		_ = f.ForeachSetting(func(s http2.Setting) error {
			switch s.ID {
			case http2.SettingInitialWindowSize:
				for _, e := range c.streams {
					e.window += int64(s.Val) - c.initial
				}
				c.initial = int64(s.Val)
			case http2.SettingEnableConnectProtocol:
				c.extended = s.Val == 1
			}
			return nil
		})
		_ = c.framer.WriteSettingsAck()
	case *http2.PingFrame:
		if f.IsAck() {
			c.pings++
		} else {
			_ = c.framer.WritePing(true, f.Data)
		}
	case *http2.WindowUpdateFrame:
		if f.StreamID == 0 {
			c.window += int64(f.Increment)
		} else if e := c.streams[f.StreamID]; e != nil {
			e.window += int64(f.Increment)
		}
	case *http2.GoAwayFrame:
		copied := *f
		c.goaways = append(c.goaways, &copied)
		if c.strict && f.ErrCode != http2.ErrCodeNo {
			t.Errorf("GOAWAY %v", f.ErrCode)
		}
	case *http2.RSTStreamFrame:
		c.resets++
		if e := c.streams[f.StreamID]; e != nil && !e.ended {
			e.reset, e.code = true, f.ErrCode
		} else if e != nil {
			e.sentEnd, e.code = true, f.ErrCode // nothing more is wanted
		}
	case *http2.MetaHeadersFrame:
		c.streams[f.StreamID].takeHead(f)
	case *http2.DataFrame:
		e := c.streams[f.StreamID]
		if c.greedy && len(f.Data()) > 0 {
			_ = c.framer.WriteWindowUpdate(0, uint32(len(f.Data())))
			if !f.StreamEnded() {
				_ = c.framer.WriteWindowUpdate(f.StreamID, uint32(len(f.Data())))
			}
		}
		if e.cancelled {
			return
		}
		if e.head == "" || e.ended || e.reset {
			t.Errorf("stream %d: content without a head, or behind the end", e.id)
		}
		e.got += string(f.Data())
		e.ended = e.ended || f.StreamEnded()
	default:
		t.Errorf("a frame of type %T", f)
	}
}

func (e *h2Exchange) takeHead(f *http2.MetaHeadersFrame) {
	t := e.c.w.t
	if e.cancelled {
		return
	}
	if e.ended || e.reset {
		t.Errorf("stream %d: a head behind the end", e.id)
	}
	var b strings.Builder
	status := ""
	for _, field := range f.Fields {
		switch field.Name {
		case ":status":
			status = field.Value
		case "date":
			if _, err := http.ParseTime(field.Value); err != nil || len(field.Value) != len(http.TimeFormat) {
				t.Errorf("the date is %q", field.Value)
			}
		case "server":
		default:
			if strings.ToLower(field.Name) != field.Name {
				t.Errorf("a field is called %q", field.Name)
			}
			fmt.Fprintf(&b, "%s: %s\r\n", field.Name, field.Value)
		}
	}
	switch {
	case status == "":
		e.gotTrailers = b.String()
		if !f.StreamEnded() || e.head == "" {
			t.Errorf("stream %d: trailers that are none", e.id)
		}
	case status[0] == '1':
		e.interim += status + "\r\n" + b.String()
	default:
		if e.head != "" {
			t.Errorf("stream %d has two heads", e.id)
		}
		e.head = status + "\r\n" + b.String()
	}
	e.ended = f.StreamEnded()
}

// push sends content as far as the windows allow.
func (e *h2Exchange) push() {
	c := e.c
	if e.sentEnd || e.reset {
		return
	}
	for e.window > 0 && c.window > 0 && len(e.left) > e.hold {
		k := int(min(e.window, c.window, int64(len(e.left)-e.hold), 3000))
		end := k == len(e.left) && e.trailers == ""
		_ = c.framer.WriteData(e.id, end, []byte(e.left[:k]))
		e.left = e.left[k:]
		e.window -= int64(k)
		c.window -= int64(k)
		e.sentEnd = end
	}
	if len(e.left) > 0 || e.sentEnd {
		return
	}
	e.sentEnd = true
	if e.trailers == "" {
		_ = c.framer.WriteData(e.id, true, nil)
		return
	}
	var fields [][2]string
	for line := range strings.Lines(e.trailers) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\r\n"), ": ")
		fields = append(fields, [2]string{strings.ToLower(name), value})
	}
	_ = c.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: e.id, BlockFragment: c.encode(fields...), EndStream: true, EndHeaders: true})
}

// open lets n more bytes of the response come.
func (e *h2Exchange) open(n int) {
	_ = e.c.framer.WriteWindowUpdate(e.id, uint32(n))
	_ = e.c.framer.WriteWindowUpdate(0, uint32(n))
	e.c.flush()
}

// cancel resets the stream.
func (e *h2Exchange) cancel() {
	e.reset, e.cancelled = true, true
	_ = e.c.framer.WriteRSTStream(e.id, http2.ErrCodeCancel)
	e.c.flush()
}

// until works until f is true.
func (c *h2Client) until(t testing.TB, what string, f func() bool) {
	t.Helper()
	for n := 0; !f(); n++ {
		if n > turns || c.ended {
			t.Fatalf("in vain until %s (ended %t, seed %d); %+v; %d bytes left over", what, c.ended, c.w.seed, c.w.s.Stats(), len(c.in))
		}
		c.work()
	}
}

// finish works until all the exchanges have ended.
func (c *h2Client) finish(t testing.TB) {
	t.Helper()
	c.until(t, "all responses have come", func() bool {
		for _, e := range c.streams {
			if !e.over() {
				return false
			}
		}
		return true
	})
}

func (e *h2Exchange) over() bool { return e.reset || e.ended && e.sentEnd }

// end works until the gateway has ended the connection.
func (c *h2Client) end(t testing.TB) {
	t.Helper()
	for n := 0; !c.ended; n++ {
		if n > turns {
			t.Fatalf("in vain until the connection ends; %+v", c.w.s.Stats())
		}
		c.work()
	}
}

// want compares the response.
func (e *h2Exchange) want(t testing.TB, head, content, trailers string) {
	t.Helper()
	if e.head != head || e.got != content || e.gotTrailers != trailers || e.reset {
		t.Errorf("stream %d (reset %t %v, seed %d): %q %s %q, want %q %s %q", e.id, e.reset, e.code, e.c.w.seed, e.head, brief(e.got), e.gotTrailers, head, brief(content), trailers)
	}
}

// h2Head is a head with a content length as the client shows it.
func h2Head(status int, fields string, length int) string {
	return fmt.Sprintf("%d\r\n%scontent-length: %d\r\n", status, fields, length)
}

const h2Text = "content-type: text/plain; charset=utf-8\r\n"
