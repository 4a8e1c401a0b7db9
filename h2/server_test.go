package h2

import (
	"strings"
	"testing"

	xhpack "golang.org/x/net/http2/hpack"
)

// TestReleaseCounts: a stream that the client has reset counts until its work has ended.
func TestReleaseCounts(t *testing.T) {
	r := serving(t, serverConfig())
	var held []*Stream
	r.each = func(ev *Event) {
		if ev.Kind == EventHead {
			held = append(held, ev.Stream)
		}
	}
	for id := uint32(1); id <= 13; id += 2 {
		r.take(get(id) + rst(id, Cancel))
	}
	if len(held) != 4 || r.c.OpenStreams() != 4 {
		t.Fatalf("%d streams are under way, want 4", len(held))
	}
	equal(t, "sent", r.sent(), "RST_STREAM 9 refused_stream", "RST_STREAM 11 refused_stream", "RST_STREAM 13 refused_stream")
	for _, s := range held {
		if !s.Dead() {
			t.Error("the stream is not reset")
		}
		r.c.Release(s)
	}
	r.forget()
	r.take(get(15))
	equal(t, "events", r.log, "head 15 GET / end")
	if st := r.sc.Stats; st.Refused != 3 || st.PeerResets != 4 || st.Streams != 5 {
		t.Errorf("%+v", st)
	}
}

// TestGoAway: streams on their way are taken after the announcement, and ignored after the end.
func TestGoAway(t *testing.T) {
	r := serving(t, &DefaultConfig)
	r.take(post(1))
	r.c.GoAway(false, NoError)
	r.c.GoAway(false, NoError)
	r.take(get(3))
	r.c.GoAway(true, NoError)
	r.c.GoAway(true, NoError)
	r.take(frameOf(0x1, 0x4, 5, postBlock) + dataOf(5, "x") + window(5, 9) + frameOf(0x1, 0x5, 5, "") + rst(5, Cancel) + endOf(1, "x"))
	equal(t, "events", r.log, "head 1 POST /", "head 3 GET / end", "data 1 x end")
	equal(t, "sent", r.sent(), "GOAWAY 2147483647 no_error", "GOAWAY 3 no_error")
	r.take(dataOf(0, ""))
	equal(t, "sent", r.sent()[2:], "GOAWAY 3 protocol_error")
}

func TestUpgrade(t *testing.T) {
	sc := NewScratch()
	var c Conn
	for _, bad := range []string{"A", "AAMAAABk!", "AAMAAABkAA", "AAIAAAAC", strings.Repeat("AAMAAABk", maxSettings+1)} {
		if c.Upgrade(sc, &DefaultConfig, []byte(bad)) != nil || c.Opened() {
			t.Errorf("settings %q are accepted", bad)
		}
	}
	sc.Out = sc.Out[:0]
	s := c.Upgrade(sc, &DefaultConfig, []byte("AAMAAABkAAQAAAPo")) // 100 streams, a window of 1000
	if s == nil || s.ID != 1 || !s.EndReceived() || c.Room(s) != 1000 {
		t.Fatalf("%+v", s)
	}
	r := &rig{t: t, sc: sc, c: &c}
	r.forget()
	r.take(Preface + noSettings + get(3))
	equal(t, "events", r.log, "settings", "head 3 GET / end")
	r.forget()
	sc.Out = c.AppendResponse(sc.Out, s, &ResponseHead{Status: 200, Length: 0}, true)
	equal(t, "sent", r.sent(), "HEADERS 1 :status=200 content-length=0 end")
	c.Release(s)
	c.Close()
	if s = c.Upgrade(sc, &DefaultConfig, nil); s == nil {
		t.Fatal("no settings are settings")
	}
	// The whole window is open when the client speaks HTTP/2.
	if n := c.Room(s); n != earlyContent {
		t.Errorf("there is room for %d bytes before the client's settings", n)
	}
	r.forget()
	r.take(Preface + noSettings)
	equal(t, "events", r.log, "settings")
	if n := c.Room(s); n != MinWindow {
		t.Errorf("there is room for %d bytes behind them", n)
	}
	r.take(noSettings)
	if n := c.Room(s); n != MinWindow {
		t.Errorf("there is room for %d bytes behind further ones", n)
	}
	c.Close()
}

func TestResponse(t *testing.T) {
	r := serving(t, &DefaultConfig)
	r.take(get(1))
	s := r.c.First()
	r.sc.Out = r.c.AppendInterim(r.sc.Out, s, &ResponseHead{Status: 103, Length: -1, Block: []byte("Link: </a>\r\n")})
	r.sc.Out = r.c.AppendResponse(r.sc.Out, s, &ResponseHead{
		Status: 200, Length: 5, Server: []byte("anygate"), Date: []byte("Mon, 23 Nov 2026 10:41:52 GMT"),
		Block: []byte("Content-Type: text/plain\r\nConnection: x\r\nKeep-Alive: 5\r\nTransfer-Encoding: chunked\r\nX-Y: Z\r\n"),
	}, false)
	r.sc.Out = append(r.c.AppendDataHeader(r.sc.Out, s, 5, false), "hello"...)
	r.sc.Out = r.c.AppendTrailers(r.sc.Out, s, []byte("X-Sum: 1\r\n"))
	// Nothing follows the end.
	r.sc.Out = r.c.AppendDataHeader(r.sc.Out, s, 0, true)
	r.sc.Out = r.c.AppendTrailers(r.sc.Out, s, nil)
	r.sc.Out = r.c.AppendResponse(r.sc.Out, s, &ResponseHead{Status: 200}, true)
	r.c.Release(s)
	equal(t, "sent", r.sent(),
		"HEADERS 1 :status=103 link=</a>",
		"HEADERS 1 :status=200 server=anygate date=Mon, 23 Nov 2026 10:41:52 GMT content-type=text/plain x-y=Z content-length=5",
		"DATA 1 hello", "HEADERS 1 x-sum=1 end")
}

// TestEncoded: a block that was made once serves any connection, and its date can be set.
func TestEncoded(t *testing.T) {
	block, date := AppendBlock([]byte("xyz"), &ResponseHead{
		Status: 404, Length: 9, Server: []byte("anygate"), Date: []byte("Thu, 01 Jan 1970 00:00:00 GMT"), Block: []byte("Content-Type: text/plain\r\n"),
	})
	block, date = block[3:], date-3
	r := serving(t, &DefaultConfig)
	dec := xhpack.NewDecoder(4096, nil)
	lines := AppendLines([]byte("xyz"), []byte("X-Y: Z\r\n"))[3:]
	for id := uint32(1); id < 6; id += 2 {
		var tail []byte
		more := ""
		if id > 1 {
			tail, more = lines, " x-y=Z"
		}
		r.forget()
		r.take(get(id))
		r.sc.Out = r.c.AppendEncoded(r.sc.Out, r.c.lookup(id), block, tail, true)
		copy(r.sc.Out[len(r.sc.Out)-len(tail)-len(block)+date:], "Mon, 23 Nov 2026 10:41:52 GMT")
		if got := readFrames(t, r.sc.Out, dec); len(got) != 1 || !strings.Contains(got[0], ":status=404 server=anygate date=Mon, 23 Nov 2026 10:41:52 GMT content-type=text/plain content-length=9"+more+" end") {
			t.Errorf("%q", got)
		}
	}
	if _, date := AppendBlock(nil, &ResponseHead{Status: 200, Length: -1}); date != -1 {
		t.Errorf("the date is at %d", date)
	}
}

// TestLargeHead: a block that is larger than a frame is divided.
func TestLargeHead(t *testing.T) {
	for _, size := range []int{16300, 16384, 16400, 32768, 40000, 60000} {
		r := serving(t, &DefaultConfig)
		r.take(get(1))
		s := r.c.First()
		value := strings.Repeat("\x01~", size/2) // what Huffman codes do not shorten
		value = strings.ReplaceAll(value, "\x01", "<")
		r.sc.Out = r.c.AppendResponse([]byte{}, s, &ResponseHead{Status: 200, Length: -1, Block: []byte("X: " + value + "\r\n")}, true)
		equal(t, "sent", r.sent(), "HEADERS 1 :status=200 x="+value+" end")
		for b := r.sc.Out; len(b) > 0; {
			f := parseFrame(b)
			if f.left > 16384 || f.left == 0 {
				t.Errorf("a frame of %d bytes", f.left)
			}
			b = b[FrameHeader+f.left:]
		}
	}
}

func TestRefused(t *testing.T) {
	cfg := DefaultConfig
	cfg.HTTP.HeadBytes, cfg.HTTP.RequestLine, cfg.HTTP.Fields = 1000, 500, 10
	r := serving(t, &cfg)
	large := frameOf(0x1, 0x4, 1, postBlock+fields("x", strings.Repeat("~", 1200)))
	many := frameOf(0x1, 0x5, 3, getBlock+strings.Repeat(fields("x", ""), 10))
	long := frameOf(0x1, 0x5, 5, "\x82\x86\x41\x01a"+fields(":path", "/"+strings.Repeat("~", 600)))
	r.take(large + dataOf(1, "dropped") + endOf(1, "") + many + long + get(7))
	equal(t, "events", r.log, "refuse 1 431 head_too_large", "data 1  end", "refuse 3 431 too_many_fields end", "refuse 5 414 request_line_too_long end", "head 7 GET / end")
	r.sc.Out = r.c.AppendResponse(r.sc.Out, r.c.lookup(3), &ResponseHead{Status: 431, Length: 0}, true)
	equal(t, "sent", r.sent(), "HEADERS 3 :status=431 content-length=0 end")
	if r.c.Held() != 0 || r.sc.Stats.TooLarge != 3 {
		t.Errorf("held %d, %+v", r.c.Held(), r.sc.Stats)
	}
}

// TestTable: streams are found whatever their identifiers, and places are used again.
func TestTable(t *testing.T) {
	cfg := DefaultConfig
	cfg.Streams = 1000
	cfg.Budget.Points = 1 << 30
	r := serving(t, &cfg)
	id := uint32(1)
	for round := range 5 {
		var open []uint32
		for range 300 {
			r.take(get(id))
			open = append(open, id)
			id += 2 + 2*uint32(round*17)
		}
		check(t, r.c)
		for i := range open {
			// From the front, the back, and the middle.
			k := (i * 7919) % len(open)
			if s := r.c.lookup(open[k]); s != nil && s.ID == open[k] {
				r.sc.Out = r.c.AppendResponse(r.sc.Out[:0], s, &ResponseHead{Status: 200}, true)
				r.c.Release(s)
			} else {
				t.Fatalf("stream %d is lost", open[k])
			}
		}
		if r.c.OpenStreams() != 0 || len(r.c.table) != smallestTable || r.sc.Streams() != 0 {
			t.Fatal("streams are left")
		}
	}
	if n := len(r.sc.slab.blocks); n > 300/blockStreams+1 {
		t.Errorf("%d blocks of streams", n)
	}
}
