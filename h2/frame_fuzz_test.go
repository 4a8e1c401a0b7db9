package h2

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"golang.org/x/net/http2"
)

// ofFrames are the reasons that a frame gives by itself, whatever came before it, other than those of RFC 9218 and of values
// of settings.
var ofFrames = []string{
	"bad_frame_size", "too_much_padding", "wrong_stream", "headers_without_stream", "data_without_stream", "settings_on_stream",
	"goaway_on_stream", "block_interrupted", "continuation_without_headers", "frame_too_large", "bad_setting_initial_window",
}

// FuzzFrames gives any bytes to a server, or to a client with streams under way: what the Framer of x/net refuses must end
// the connection, what it accepts must not for a reason of frames, and it must not matter how the bytes are cut.
func FuzzFrames(f *testing.F) {
	for _, tt := range received {
		f.Add(false, uint16(len(tt.in)/2), []byte(tt.in))
	}
	for _, tt := range answered {
		f.Add(true, uint16(len(tt.in)/2), []byte(tt.in))
	}
	for _, tt := range attacks {
		f.Add(false, uint16(11), []byte(tt.begin+tt.again(0)+tt.again(1)))
	}
	f.Fuzz(func(t *testing.T, asClient bool, cut uint16, b []byte) {
		if len(b) > 1<<16 {
			return
		}
		begin := func() *rig {
			if !asClient {
				return serving(t, serverConfig())
			}
			r := dialled(t, serverConfig())
			r.ask(&getHead, true)
			head := getHead
			head.Method = []byte("HEAD")
			r.ask(&head, true)
			r.forget()
			return r
		}
		whole := begin()
		var input bytes.Buffer
		framer := http2.NewFramer(nil, &input)
		framer.SetMaxReadFrameSize(minFrameSize)
		rest := b
		for len(rest) >= FrameHeader && !whole.over {
			size := FrameHeader + int(parseFrame(rest).left)
			if size-FrameHeader > minFrameSize {
				whole.take(string(rest[:FrameHeader]))
				if !whole.over {
					t.Fatal("a frame that is too large is accepted")
				}
				break
			}
			if len(rest) < size {
				break
			}
			one := rest[:size]
			rest = rest[size:]
			input.Reset()
			input.Write(one)
			_, err := framer.ReadFrame()
			whole.take(string(one))
			var ofStream http2.StreamError
			reason := whole.ev.Reason
			switch {
			case err != nil && !errors.As(err, &ofStream):
				if !whole.over {
					t.Fatalf("x/net refuses %x: %v", one, err)
				}
			case err == nil && whole.over && slices.Contains(ofFrames, reason):
				t.Fatalf("x/net accepts %x: %s", one, reason)
			}
		}
		if !whole.over {
			whole.take(string(rest))
		}
		other := begin()
		at := min(int(cut), len(b))
		other.take(string(b[:at]))
		if !other.over {
			other.take(string(b[at:]))
		}
		if !whole.over || other.over {
			equal(t, "events", other.log, whole.log...)
			if !bytes.Equal(whole.sc.Out, other.sc.Out) {
				t.Errorf("sent %x, or %x", whole.sc.Out, other.sc.Out)
			}
		}
		readFrames(t, whole.sc.Out, nil)
		whole.c.Close()
		if n := whole.sc.Streams(); n != 0 {
			t.Errorf("%d streams are left", n)
		}
	})
}
