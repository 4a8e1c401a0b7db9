package h2

import (
	"strings"
	"testing"
)

// TestTableSize: a smaller table is demanded from the acknowledgement on (RFC 9113, section 4.3.1).
func TestTableSize(t *testing.T) {
	cfg := DefaultConfig
	cfg.TableSize = 0
	begin := func() *rig {
		r := newRig(t, &cfg)
		r.take(Preface + noSettings + get(1))
		equal(t, "before the acknowledgement", r.log, "settings", "head 1 GET / end")
		r.take(frameOf(frameSettings, flagAck, 0, ""))
		if !r.c.SettingsAcked() {
			t.Error("the settings are acknowledged")
		}
		r.forget()
		return r
	}
	r := begin()
	r.take(get(3))
	equal(t, "no size update", r.log, "fatal: compression_error, hpack_table_size")
	r = begin()
	r.take(frameOf(frameHeaders, flagEndHeaders|flagEndStream, 3, "\x20"+getBlock))
	equal(t, "with a size update", r.log, "head 3 GET / end")
}

// TestPeerTableSize: the peer is told that its smaller table is heeded, in whatever block comes next.
func TestPeerTableSize(t *testing.T) {
	block, _ := AppendBlock(nil, &ResponseHead{Status: 200, Length: -1})
	for name, send := range map[string]func(c *Conn, s *Stream) []byte{
		"response": func(c *Conn, s *Stream) []byte {
			return c.AppendResponse(nil, s, &ResponseHead{Status: 200, Length: -1}, true)
		},
		"encoded": func(c *Conn, s *Stream) []byte { return c.AppendEncoded(nil, s, block, nil, true) },
	} {
		r := serving(t, &DefaultConfig)
		r.take(settingsOf(settingHeaderTableSize, 0, settingHeaderTableSize, 100) + get(1) + get(3))
		if got, want := string(send(r.c, r.c.lookup(1))[FrameHeader:]), "\x20\x3f\x45\x88"; got != want {
			t.Errorf("%s: %x, want %x", name, got, want)
		}
		if got := string(send(r.c, r.c.lookup(3))[FrameHeader:]); got != "\x88" {
			t.Errorf("%s: %x", name, got)
		}
	}
}

// TestPeerFrameSize: frames are as large as the peer takes them.
func TestPeerFrameSize(t *testing.T) {
	r := serving(t, &DefaultConfig)
	r.take(settingsOf(settingMaxFrameSize, 1<<15) + get(1))
	if r.c.MaxFrame() != 1<<15 {
		t.Errorf("%d", r.c.MaxFrame())
	}
	s := r.c.First()
	value := strings.Repeat("<", 30000)
	out := r.c.AppendResponse(nil, s, &ResponseHead{Status: 200, Length: -1, Block: []byte("X: " + value + "\r\n")}, false)
	if f := parseFrame(out); int(f.left) != len(out)-FrameHeader {
		t.Errorf("a frame of %d bytes of %d", f.left, len(out))
	}
}
