package h2

import (
	"strings"
	"testing"
)

// attacks are the known ways to make a peer work for nothing. Each is mounted until it is stopped: want is the reason, most
// is how often it may be repeated. In no second would time pay more than PerSecond.
var attacks = []struct {
	name  string
	begin string
	again func(i int) string
	want  string
	most  int
}{
	{"rapid reset", "", func(i int) string { id := uint32(2*i + 1); return get(id) + rst(id, Cancel) }, "rapid_reset", 201},
	{"streams above the limit", post(1) + post(3) + post(5) + post(7), func(i int) string { return get(uint32(2*i + 9)) }, "stream_errors", 201},
	{"MadeYouReset by WINDOW_UPDATE", "", func(i int) string { id := uint32(2*i + 1); return get(id) + window(id, 0) }, "stream_errors", 101},
	{"MadeYouReset by a window", "", func(i int) string { id := uint32(2*i + 1); return get(id) + window(id, maxWindow) }, "stream_errors", 101},
	{"MadeYouReset by DATA behind the end", "", func(i int) string { id := uint32(2*i + 1); return get(id) + dataOf(id, "x") }, "stream_errors", 101},
	{"MadeYouReset by PRIORITY", "", func(i int) string {
		id := uint32(2*i + 1)
		return get(id) + frameOf(framePriority, 0, id, be32(id)+"\x00")
	}, "stream_errors", 101},
	{"malformed requests", "", func(i int) string { return frameOf(frameHeaders, 5, uint32(2*i+1), "\x82") }, "stream_errors", 101},
	{"requests over the limits", "", func(i int) string {
		return frameOf(frameHeaders, 5, uint32(2*i+1), getBlock+strings.Repeat("\x90", 200))
	}, "huge_heads", 201},
	{"CONTINUATION", frameOf(frameHeaders, 1, 1, getBlock), func(int) string { return frameOf(frameContinuation, 0, 1, "") }, "continuation_flood", 1001},
	{"CONTINUATION with something in it", frameOf(frameHeaders, 1, 1, getBlock), func(int) string { return frameOf(frameContinuation, 0, 1, strings.Repeat("\x90", 1000)) }, "header_block_too_large", 66},
	{"PING", "", func(int) string { return frameOf(framePing, 0, 0, "12345678") }, "ping_flood", 2001},
	{"answers to PING", "", func(int) string { return frameOf(framePing, flagAck, 0, "12345678") }, "ping_flood", 2001},
	{"SETTINGS", "", func(int) string { return noSettings }, "settings_flood", 401},
	{"SETTINGS with many", "", func(int) string { return settingsOf(3, 1, 3, 2, 3, 1, 3, 2, 3, 1, 3, 2, 3, 1, 3, 2, 3, 1, 3, 2) }, "settings_flood", 201},
	{"SETTINGS that change the table", "", func(i int) string { return settingsOf(1, uint32(i%2*4096)) }, "settings_flood", 191},
	{"SETTINGS that change windows", post(1) + post(3) + post(5) + post(7), func(i int) string { return settingsOf(4, uint32(i%2)) }, "settings_flood", 268},
	{"SETTINGS with far too many", "", func(int) string { return settingsOf(make([]uint32, 2*(maxSettings+1))...) }, "too_many_settings", 1},
	{"acknowledgements", "", func(int) string { return frameOf(frameSettings, flagAck, 0, "") }, "useless_frames", 2001},
	{"PRIORITY", "", func(i int) string { return frameOf(framePriority, 0, uint32(2*i+1), be32(0)+"\x10") }, "useless_frames", 2001},
	{"PRIORITY_UPDATE", "", func(i int) string { return update(uint32(2*i+1), "u=1") }, "useless_frames", 2001},
	{"frames of an unknown type", "", func(int) string { return frameOf(0x99, 0, 0, "") }, "useless_frames", 2001},
	{"GOAWAY", "", func(int) string { return frameOf(frameGoAway, 0, 0, be32(0)+be32(0)) }, "useless_frames", 2001},
	{"empty DATA", post(1), func(int) string { return dataOf(1, "") }, "empty_data", 1001},
	{"padding", post(1), func(int) string { return frameOf(frameData, flagPadded, 1, "\x00") }, "empty_data", 1001},
	{"WINDOW_UPDATE byte by byte", get(1), func(int) string { return window(1, 1) }, "tiny_window_updates", 4001},
	{"WINDOW_UPDATE of the connection", "", func(int) string { return window(0, 1) }, "tiny_window_updates", 4001},
	{"frames for a stream that we have reset", post(1) + window(1, 0), func(int) string { return dataOf(1, "x") }, "frames_for_closed_streams", 2001},
	{"RST_STREAM again and again", get(1) + rst(1, Cancel), func(int) string { return rst(1, Cancel) }, "frames_for_closed_streams", 2001},
	{
		"references to a large field", frameOf(frameHeaders, 5, 1, getBlock+"\x40\x01x\x7f\xa1\x1e"+strings.Repeat("a", 4000)),
		func(i int) string {
			return frameOf(frameHeaders, 5, uint32(2*i+3), getBlock+strings.Repeat("\xbf", 16000))
		}, "header_expansion", 1,
	},
	{
		"references to a large field in requests over the limit", post(1) + post(3) + post(5) + frameOf(frameHeaders, 4, 7, getBlock+"\x40\x01x\x7f\xd9\x1c"+strings.Repeat("a", 3800)),
		func(i int) string {
			return frameOf(frameHeaders, 5, uint32(2*i+9), "\x82"+strings.Repeat("\xbe", 16000))
		}, "header_expansion", 1,
	},
}

func TestAttacks(t *testing.T) {
	for _, tt := range attacks {
		t.Run(tt.name, func(t *testing.T) {
			cfg := serverConfig()
			r := serving(t, cfg)
			var s []*Stream
			r.each = func(ev *Event) {
				switch ev.Kind {
				case EventHead, EventRefuse:
					s = append(s, ev.Stream)
				case EventReset:
					// The owner has nothing to end.
					if ev.Stream.ID != 1 {
						r.c.Release(ev.Stream)
					}
				}
				if ev.Kind == EventRefuse {
					r.sc.Out = r.c.AppendResponse(r.sc.Out, ev.Stream, &ResponseHead{Status: int(ev.Status), Length: 0}, true)
					if ev.Stream.EndReceived() {
						r.c.Release(ev.Stream)
					}
				}
			}
			r.take(tt.begin)
			out, count := 0, 0
			for i := 0; !r.over && i <= 5000; i++ {
				r.take(tt.again(i))
				if !r.over {
					out = max(out, len(r.sc.Out))
					r.sc.Out = r.sc.Out[:0]
				}
				r.log = r.log[max(0, len(r.log)-1):]
				count++
			}
			equal(t, "end", r.log, "fatal: enhance_your_calm, "+tt.want)
			if count > tt.most {
				t.Errorf("it took %d times", count)
			}
			if out > 200 {
				t.Errorf("%d bytes are sent for one attack", out)
			}
			if got := r.sent(); !strings.HasPrefix(got[len(got)-1], "GOAWAY") {
				t.Errorf("sent %q", got)
			}
			if r.sc.Stats.Calm != 1 || r.sc.Stats.Fatal != 1 {
				t.Errorf("%+v", r.sc.Stats)
			}
			if n := r.c.Next([]byte(get(999)), &r.ev); n != len(get(999)) || r.ev.Kind != EventNone {
				t.Error("something is done behind the end")
			}
			r.c.Close()
			for class, pool := range r.sc.buffers {
				if len(pool) > 1 {
					t.Errorf("%d buffers of class %d", len(pool), class)
				}
			}
		})
	}
}

// TestAttackSlowly: time pays for what comes at a rate that a person, or a proxy, may have.
func TestAttackSlowly(t *testing.T) {
	r := serving(t, serverConfig())
	r.each = func(ev *Event) {
		if ev.Kind == EventReset {
			r.c.Release(ev.Stream)
		}
	}
	for i := range 3000 {
		r.sc.Now += 1000 * costReset / int64(DefaultBudget.PerSecond)
		id := uint32(2*i + 1)
		r.take(get(id) + rst(id, Cancel))
		r.forget()
	}
	if r.over {
		t.Error("the connection was ended")
	}
}

// TestClients: what well-behaved clients do costs them nothing in the end.
func TestClients(t *testing.T) {
	tests := []struct {
		name string
		turn func(r *rig, i int)
	}{
		{"requests, a tenth of them cancelled", func(r *rig, i int) {
			id := uint32(2*i + 1)
			r.take(get(id))
			s := r.c.lookup(id)
			if i%10 == 0 {
				r.take(rst(id, Cancel))
			} else {
				r.sc.Out = r.c.AppendResponse(r.sc.Out, s, &ResponseHead{Status: 200, Length: 0}, true)
			}
			r.c.Release(s)
		}},
		{"gRPC messages with a PING for each", func(r *rig, i int) {
			if i == 0 {
				r.take(post(1))
			}
			s := r.c.First()
			r.take(dataOf(1, "tiny") + frameOf(framePing, 0, 0, "12345678"))
			r.c.Grant(s, 4)
			r.sc.Out = append(r.c.AppendDataHeader(r.sc.Out, s, 4, false), "tiny"...)
			r.take(window(1, 4) + window(0, 4))
		}},
		{"a download that opens its windows by four KiB", func(r *rig, i int) {
			if i == 0 {
				r.take(get(1))
			}
			s := r.c.First()
			r.sc.Out = append(r.c.AppendDataHeader(r.sc.Out, s, 16384, false), make([]byte, 16384)...)
			for range 4 {
				r.take(window(1, 4096) + window(0, 4096))
			}
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := serving(t, serverConfig())
			for i := range 10000 {
				tt.turn(r, i)
				r.forget()
				if r.over || r.c.Debt() > 1000 {
					t.Fatalf("turn %d: a debt of %d", i, r.c.Debt())
				}
			}
		})
	}
}

// TestTinyWindows: a client that lets us send byte by byte pays for the frames.
func TestTinyWindows(t *testing.T) {
	r := serving(t, serverConfig())
	r.take(settingsOf(settingInitialWindow, 0) + get(1))
	s := r.c.First()
	n := 0
	for !r.over && n < 5000 {
		r.forget()
		r.take(window(1, 1))
		if r.c.Room(s) > 0 {
			r.sc.Out = append(r.c.AppendDataHeader(r.sc.Out, s, 1, false), 'x')
		}
		n++
	}
	equal(t, "end", r.log, "fatal: enhance_your_calm, tiny_window_updates")
	if n > 801 {
		t.Errorf("it took %d frames", n)
	}
}
