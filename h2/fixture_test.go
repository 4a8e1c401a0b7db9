package h2

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/net/http2"
	xhpack "golang.org/x/net/http2/hpack"
)

// frameOf is a frame as it is on the wire.
func frameOf(kind, flags uint8, id uint32, payload string) string {
	return string(appendFrame(nil, len(payload), kind, flags, id)) + payload
}

func be32(v uint32) string { return string(binary.BigEndian.AppendUint32(nil, v)) }

// Frames that are needed often.
const noSettings = "\x00\x00\x00\x04\x00\x00\x00\x00\x00"

func settingsOf(pairs ...uint32) string {
	var b []byte
	for i := 0; i < len(pairs); i += 2 {
		b = appendSetting(b, uint16(pairs[i]), pairs[i+1])
	}
	return frameOf(frameSettings, 0, 0, string(b))
}

func window(id, n uint32) string { return frameOf(frameWindowUpdate, 0, id, be32(n)) }
func rst(id uint32, code Code) string {
	return frameOf(frameRSTStream, 0, id, be32(uint32(code)))
}

// fields encodes a field section without a dynamic table, so that blocks can be put together in any order.
func fields(pairs ...string) string {
	var b bytes.Buffer
	e := xhpack.NewEncoder(&b)
	e.SetMaxDynamicTableSize(0)
	for i := 0; i < len(pairs); i += 2 {
		_ = e.WriteField(xhpack.HeaderField{Name: pairs[i], Value: pairs[i+1]})
	}
	return strings.TrimPrefix(b.String(), "\x20") // the size update
}

// Blocks, byte by byte: ":method: GET", ":scheme: http", ":path: /", ":authority: a" and the like.
const (
	getBlock  = "\x82\x86\x84\x41\x01a"
	postBlock = "\x83\x86\x84\x41\x01a"
	okBlock   = "\x88"
)

func get(id uint32) string {
	return frameOf(frameHeaders, flagEndHeaders|flagEndStream, id, getBlock)
}

func post(id uint32) string { return frameOf(frameHeaders, flagEndHeaders, id, postBlock) }

func dataOf(id uint32, content string) string { return frameOf(frameData, 0, id, content) }

func endOf(id uint32, content string) string {
	return frameOf(frameData, flagEndStream, id, content)
}

// rig is a connection whose events are written down.
type rig struct {
	t    testing.TB
	sc   *Scratch
	c    *Conn
	ev   Event
	log  []string
	each func(ev *Event) // what the owner does
	over bool
}

func newRig(t testing.TB, cfg *Config) *rig {
	r := &rig{t: t, sc: NewScratch(), c: new(Conn)}
	r.c.Accept(r.sc, cfg)
	r.sc.Out = r.sc.Out[:0]
	return r
}

// serving is a rig whose client has sent its preface and settings.
func serving(t testing.TB, cfg *Config) *rig {
	r := newRig(t, cfg)
	r.take(Preface + noSettings + frameOf(frameSettings, flagAck, 0, ""))
	r.forget()
	return r
}

// dialled is a rig of a client whose server has sent its settings.
func dialled(t testing.TB, cfg *Config) *rig {
	r := &rig{t: t, sc: NewScratch(), c: new(Conn)}
	r.c.Dial(r.sc, cfg)
	r.take(noSettings + frameOf(frameSettings, flagAck, 0, ""))
	r.forget()
	return r
}

func (r *rig) forget() { r.sc.Out, r.log = r.sc.Out[:0], nil }

// take hands over bytes, and checks that all are consumed.
func (r *rig) take(p string) {
	b := []byte(p)
	for {
		n := r.c.Next(b, &r.ev)
		b = b[n:]
		if r.ev.Kind == EventNone {
			break
		}
		r.note()
		if r.each != nil {
			r.each(&r.ev)
		}
	}
	if len(b) > 0 {
		r.t.Fatalf("%d bytes were not consumed", len(b))
	}
	check(r.t, r.c)
}

// note writes an event down. Pieces of content are put together, so that it does not matter how they came.
func (r *rig) note() {
	ev := &r.ev
	id := uint32(0)
	if ev.Stream != nil {
		id = ev.Stream.ID
	}
	end := ""
	if ev.End {
		end = " end"
	}
	line := ""
	switch ev.Kind {
	case EventHead:
		if r.c.flags.has(client) {
			line = fmt.Sprintf("head %d %d%s", id, r.sc.Response.Status, end)
		} else {
			q := &r.sc.Request
			line = fmt.Sprintf("head %d %s %s%s", id, q.Bytes(q.Method), q.Bytes(q.Target), end)
		}
	case EventRefuse:
		line = fmt.Sprintf("refuse %d %d %s%s", id, ev.Status, ev.Reason, end)
	case EventInterim:
		line = fmt.Sprintf("interim %d %d", id, r.sc.Response.Status)
	case EventData:
		prefix := fmt.Sprintf("data %d ", id)
		if k := len(r.log) - 1; k >= 0 && strings.HasPrefix(r.log[k], prefix) && !strings.HasSuffix(r.log[k], " end") {
			r.log[k] += string(ev.Data) + end
			return
		}
		line = prefix + string(ev.Data) + end
	case EventTrailers:
		line = fmt.Sprintf("trailers %d %q", id, ev.Trailers)
	case EventReset:
		by := "us"
		if ev.Remote {
			by = "peer"
		}
		line = fmt.Sprintf("reset %d by %s: %s, %s", id, by, ev.Code, ev.Reason)
	case EventWritable:
		line = fmt.Sprintf("writable %d", id)
	case EventGoAway:
		line = fmt.Sprintf("goaway %d %s %q", ev.Last, ev.Code, ev.Data)
	case EventPingAck:
		line = "ping answered"
	case EventSettings:
		line = "settings"
	case EventFatal:
		line = fmt.Sprintf("fatal: %s, %s", ev.Code, ev.Reason)
		if r.over {
			r.t.Error("two fatal events")
		}
		r.over = true
	default:
		r.t.Fatalf("event %d", ev.Kind)
	}
	r.log = append(r.log, line)
}

// sent is Out as golang.org/x/net/http2 reads it, a line for each frame.
func (r *rig) sent() []string { return readFrames(r.t, r.sc.Out, nil) }

// readFrames describes frames. dec decodes the blocks of several calls; nil: a new one.
func readFrames(t testing.TB, b []byte, dec *xhpack.Decoder) (lines []string) {
	t.Helper()
	f := http2.NewFramer(nil, bytes.NewReader(b))
	f.SetMaxReadFrameSize(maxFrameSize)
	f.ReadMetaHeaders = dec
	if dec == nil {
		f.ReadMetaHeaders = xhpack.NewDecoder(4096, nil)
	}
	for {
		fr, err := f.ReadFrame()
		if err != nil {
			if err.Error() != "EOF" {
				t.Fatalf("x/net cannot read what was sent: %v; after %q", err, lines)
			}
			return lines
		}
		h := fr.Header()
		line := fmt.Sprintf("%s %d", h.Type, h.StreamID)
		switch fr := fr.(type) {
		case *http2.SettingsFrame:
			if fr.IsAck() {
				line += " ack"
			}
			_ = fr.ForeachSetting(func(s http2.Setting) error {
				line += fmt.Sprintf(" %d=%d", s.ID, s.Val)
				return nil
			})
		case *http2.RSTStreamFrame:
			line += " " + Code(fr.ErrCode).String()
		case *http2.GoAwayFrame:
			line = fmt.Sprintf("GOAWAY %d %s", fr.LastStreamID, Code(fr.ErrCode))
		case *http2.WindowUpdateFrame:
			line += fmt.Sprintf(" +%d", fr.Increment)
		case *http2.PingFrame:
			line += fmt.Sprintf(" %x", fr.Data)
			if fr.IsAck() {
				line += " ack"
			}
		case *http2.DataFrame:
			line += " " + string(fr.Data())
			if fr.StreamEnded() {
				line += " end"
			}
		case *http2.MetaHeadersFrame:
			for _, hf := range fr.Fields {
				line += fmt.Sprintf(" %s=%s", hf.Name, hf.Value)
			}
			if fr.StreamEnded() {
				line += " end"
			}
		}
		lines = append(lines, line)
	}
}

// equal compares lines.
func equal(t testing.TB, what string, got []string, want ...string) {
	t.Helper()
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("%s:\n\t%s\nwant\n\t%s", what, strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

// check looks for what must always hold.
func check(t testing.TB, c *Conn) {
	t.Helper()
	if !c.Opened() {
		return
	}
	streams, held, waiting := 0, 0, 0
	for s := c.First(); s != nil; s = c.After(s) {
		streams++
		held += s.Held()
		if c.lookup(s.ID) != s {
			t.Fatalf("stream %d is not found", s.ID)
		}
		if s.recv < 0 || int64(s.recv)+int64(s.pend) > maxWindow {
			t.Fatalf("stream %d: recv %d, pend %d, held %d", s.ID, s.recv, s.pend, s.held)
		}
		if s.flags.has(queued) {
			waiting++
		}
		if s.flags.has(queued) && (s.flags.has(parked) || s.over()) {
			t.Fatalf("stream %d is scheduled: %b", s.ID, s.flags)
		}
	}
	if streams != c.OpenStreams() || streams > len(c.table) {
		t.Fatalf("%d streams of %d in a table of %d", streams, c.OpenStreams(), len(c.table))
	}
	for r, last := range c.turns {
		if (last != 0) != (c.waiting>>r&1 != 0) {
			t.Fatalf("ring %d: %d, %b", r, last, c.waiting)
		}
		for i := last; i != 0; {
			s := c.stream(i)
			if !s.flags.has(queued) || s.ring() != r || c.stream(s.nextReady).prevReady != i {
				t.Fatalf("ring %d is broken at stream %d", r, s.ID)
			}
			waiting--
			if i = s.nextReady; i == last {
				break
			}
		}
	}
	if waiting != 0 {
		t.Fatalf("%d streams are scheduled and in no ring", waiting)
	}
	// What is held of the connection's window is what was delivered, and the rest of a DATA frame under way.
	progress := 0
	if c.data != 0 && (c.step == stepData || c.step == stepPad) {
		progress = int(c.frame.left)
	}
	if !c.flags.has(fatal) && c.Held() != held+progress {
		t.Fatalf("%d bytes are held, want %d and %d", c.Held(), held, progress)
	}
}

// oracleEncoder is that of x/net, with a dynamic table.
type oracleEncoder struct {
	b bytes.Buffer
	e *xhpack.Encoder
}

func newOracleEncoder() *oracleEncoder {
	o := &oracleEncoder{}
	o.e = xhpack.NewEncoder(&o.b)
	return o
}

func (o *oracleEncoder) encode(pairs ...string) string {
	o.b.Reset()
	for i := 0; i < len(pairs); i += 2 {
		_ = o.e.WriteField(xhpack.HeaderField{Name: pairs[i], Value: pairs[i+1]})
	}
	return o.b.String()
}
