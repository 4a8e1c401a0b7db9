package h2

import (
	"fmt"
	"strings"
	"testing"

	xhpack "golang.org/x/net/http2/hpack"
)

var getHead = RequestHead{Method: []byte("GET"), Scheme: []byte("http"), Authority: []byte("a"), Path: []byte("/p?q"), Length: -1}

// ask opens a stream and sends its request.
func (r *rig) ask(h *RequestHead, end bool) *Stream {
	s := r.c.Open(string(h.Method) == "HEAD")
	if s == nil {
		r.t.Fatal("no stream can be opened")
	}
	r.sc.Out = r.c.AppendRequest(r.sc.Out, s, h, end)
	return s
}

// answered is what a client makes of what comes for stream 1, a GET, and stream 3, a HEAD.
var answered = []struct {
	name string
	in   string
	want []string
	sent []string
}{
	{"a response", "\x00\x00\x01\x01\x04\x00\x00\x00\x01\x88\x00\x00\x02\x00\x01\x00\x00\x00\x01ab", []string{"head 1 200", "data 1 ab end"}, nil},
	{"no content", frameOf(0x1, 0x5, 1, okBlock), []string{"head 1 200 end"}, nil},
	{
		"interim responses", frameOf(0x1, 0x4, 1, fields(":status", "103", "link", "a")) + frameOf(0x1, 0x4, 1, fields(":status", "100")) + frameOf(0x1, 0x5, 1, okBlock),
		[]string{"interim 1 103", "interim 1 100", "head 1 200 end"},
		nil,
	},
	{
		"trailers", frameOf(0x1, 0x4, 1, okBlock) + dataOf(1, "x") + frameOf(0x1, 0x5, 1, fields("grpc-status", "0")),
		[]string{"head 1 200", "data 1 x", `trailers 1 "grpc-status: 0\r\n"`},
		nil,
	},
	{
		"an interim response that ends", frameOf(0x1, 0x5, 1, fields(":status", "103")),
		[]string{"reset 1 by us: protocol_error, end_with_interim_response"},
		[]string{"RST_STREAM 1 protocol_error"},
	},
	{"101", frameOf(0x1, 0x4, 1, fields(":status", "101")), []string{"reset 1 by us: protocol_error, bad_status_line"}, []string{"RST_STREAM 1 protocol_error"}},
	{"no status", frameOf(0x1, 0x4, 1, fields("x", "y")), []string{"reset 1 by us: protocol_error, bad_status_line"}, []string{"RST_STREAM 1 protocol_error"}},
	{"a request", frameOf(0x1, 0x4, 1, getBlock), []string{"reset 1 by us: protocol_error, bad_status_line"}, []string{"RST_STREAM 1 protocol_error"}},
	{"content before the head", dataOf(1, "x"), []string{"reset 1 by us: protocol_error, data_before_head"}, []string{"RST_STREAM 1 protocol_error"}},
	{
		"less than Content-Length", frameOf(0x1, 0x4, 1, fields(":status", "200", "content-length", "3")) + endOf(1, "ab"),
		[]string{"head 1 200", "reset 1 by us: protocol_error, content_length_mismatch"},
		[]string{"RST_STREAM 1 protocol_error"},
	},
	{
		"Content-Length without content", frameOf(0x1, 0x5, 1, fields(":status", "200", "content-length", "3")),
		[]string{"reset 1 by us: protocol_error, content_length_mismatch"},
		[]string{"RST_STREAM 1 protocol_error"},
	},
	{"Content-Length to HEAD", frameOf(0x1, 0x5, 3, fields(":status", "200", "content-length", "3")), []string{"head 3 200 end"}, nil},
	{
		"content to HEAD", frameOf(0x1, 0x4, 3, fields(":status", "200", "content-length", "3")) + endOf(3, "abc"),
		[]string{"head 3 200", "reset 3 by us: protocol_error, content_length_mismatch"},
		[]string{"RST_STREAM 3 protocol_error"},
	},
	{"304 with Content-Length", frameOf(0x1, 0x5, 1, fields(":status", "304", "content-length", "3")), []string{"head 1 304 end"}, nil},
	{"RST_STREAM", rst(1, InternalError), []string{"reset 1 by peer: internal_error, peer_reset"}, nil},
	{
		"GOAWAY", frameOf(0x7, 0, 0, be32(1)+be32(0)) + frameOf(0x1, 0x5, 1, okBlock),
		[]string{`goaway 1 no_error ""`, "reset 3 by peer: refused_stream, goaway", "head 1 200 end"},
		nil,
	},
	{
		"two GOAWAY", frameOf(0x7, 0, 0, be32(maxWindow)+be32(0)) + frameOf(0x7, 0, 0, be32(0)+be32(0)) + frameOf(0x7, 0, 0, be32(3)+be32(0)),
		[]string{`goaway 2147483647 no_error ""`, `goaway 0 no_error ""`, "reset 3 by peer: refused_stream, goaway", "reset 1 by peer: refused_stream, goaway", `goaway 0 no_error ""`},
		nil,
	},
	{"a stream that nobody opened", frameOf(0x1, 0x5, 5, okBlock), []string{"fatal: protocol_error, headers_for_idle_stream"}, []string{"GOAWAY 0 protocol_error"}},
	{"a pushed stream", frameOf(0x1, 0x5, 2, okBlock), []string{"fatal: protocol_error, headers_for_idle_stream"}, []string{"GOAWAY 0 protocol_error"}},
	{"PUSH_PROMISE", frameOf(0x5, 0x4, 1, be32(2)+getBlock), []string{"fatal: protocol_error, push_promise"}, []string{"GOAWAY 0 protocol_error"}},
	{"ENABLE_PUSH", settingsOf(2, 1), []string{"fatal: protocol_error, bad_setting_enable_push"}, []string{"GOAWAY 0 protocol_error"}},
	{"PRIORITY_UPDATE", update(1, "u=1"), []string{"fatal: protocol_error, priority_update_misplaced"}, []string{"GOAWAY 0 protocol_error"}},
}

func TestAnswered(t *testing.T) {
	for _, tt := range answered {
		t.Run(tt.name, func(t *testing.T) {
			for cut := range len(tt.in) {
				r := dialled(t, &DefaultConfig)
				r.ask(&getHead, true)
				head := getHead
				head.Method = []byte("HEAD")
				r.ask(&head, true)
				equal(t, "requests", r.sent(),
					"HEADERS 1 :method=GET :scheme=http :authority=a :path=/p?q end",
					"HEADERS 3 :method=HEAD :scheme=http :authority=a :path=/p?q end")
				r.forget()
				r.take(tt.in[:cut])
				r.take(tt.in[cut:])
				equal(t, "events", r.log, tt.want...)
				equal(t, "sent", r.sent(), tt.sent...)
				r.c.Close()
				if t.Failed() || r.sc.Streams() != 0 {
					t.Fatalf("cut at %d; %d streams are left", cut, r.sc.Streams())
				}
			}
		})
	}
}

// TestCanOpen: the limits of both ends count, and streams do until they are released.
func TestCanOpen(t *testing.T) {
	cfg := DefaultConfig
	cfg.Streams = 3
	r := dialled(t, &cfg)
	want := func(n int) {
		t.Helper()
		if got := r.c.CanOpen(); got != n {
			t.Fatalf("%d streams can be opened, want %d", got, n)
		}
	}
	want(3)
	r.take(settingsOf(settingMaxStreams, 2, settingExtendedConnect, 1))
	want(2)
	if !r.c.ExtendedConnect() || r.c.PeerStreams() != 2 {
		t.Error("the settings are not known")
	}
	r.ask(&getHead, true)
	s := r.ask(&getHead, true)
	want(0)
	if r.c.Open(false) != nil {
		t.Error("a third stream")
	}
	r.take(rst(s.ID, RefusedStream))
	want(0)
	r.c.Release(s)
	want(1)
	r.c.nextID = maxWindow
	want(1)
	s = r.ask(&getHead, true)
	r.c.Release(s)
	want(0) // identifiers have run out
	r.c.nextID = 9
	want(1)
	r.take(frameOf(0x7, 0, 0, be32(1)+be32(0)))
	want(0)
	if !r.c.Draining() {
		t.Error("GOAWAY is forgotten")
	}
}

// TestLateFrames: what comes for a stream that we have cancelled is no mistake of the peer's.
func TestLateFrames(t *testing.T) {
	r := dialled(t, &DefaultConfig)
	for range recentResets + 3 {
		r.c.Release(r.ask(&getHead, true))
	}
	r.forget()
	for id := uint32(1); id < r.c.nextID; id += 2 {
		r.take(frameOf(0x1, 0x4, id, okBlock) + dataOf(id, "x") + window(id, 1) + frameOf(0x1, 0x5, id, ""))
	}
	equal(t, "events", r.log)
	equal(t, "sent", r.sent())
	// One that has ended is not spoken of again.
	s := r.ask(&getHead, true)
	r.take(frameOf(0x1, 0x5, s.ID, okBlock))
	id := s.ID
	r.c.Release(s)
	r.take(dataOf(id, "x"))
	equal(t, "events", r.log, "head 23 200 end", "fatal: stream_closed, data_for_closed_stream")
}

// TestWrongAnswers: a connection to a server is shared by all clients, and one of them may know an address whose answers
// are always wrong. That ends those streams, and never the connection.
func TestWrongAnswers(t *testing.T) {
	r := dialled(t, &DefaultConfig)
	for range 1000 {
		s := r.ask(&getHead, true)
		r.forget()
		r.take(frameOf(0x1, 0x4, s.ID, fields(":status", "200", "content-length", "3")) + endOf(s.ID, "ab"))
		if n := len(r.log); n != 2 || r.sent()[0] != fmt.Sprintf("RST_STREAM %d protocol_error", s.ID) {
			t.Fatalf("stream %d: %q, sent %q", s.ID, r.log, r.sent())
		}
		r.c.Release(s)
	}
}

// floods are frames by which a response gets no further.
var floods = []struct {
	name, begin, again, reason string
}{
	{"interim responses", "", fields(":status", "103"), "interim_responses"},
	{"empty DATA", fields(":status", "200"), "", "empty_data"},
}

// TestFloodOfOneStream: a server that floods one stream loses that, and what is on its way meanwhile is excused. The
// others' streams go on.
func TestFloodOfOneStream(t *testing.T) {
	for _, tt := range floods {
		t.Run(tt.name, func(t *testing.T) {
			r := dialled(t, &DefaultConfig)
			other := r.ask(&getHead, true)
			for range 20 {
				s := r.ask(&getHead, true)
				id := s.ID
				frame := frameOf(0x1, 0x4, id, tt.again)
				if tt.begin != "" {
					r.take(frameOf(0x1, 0x4, id, tt.begin))
					frame = dataOf(id, "")
				}
				r.forget()
				for i := 0; !s.Dead(); i++ {
					if i > streamPoints/costEmpty {
						t.Fatal("a flood without end is taken")
					}
					r.take(frame)
				}
				equal(t, "end", r.log[len(r.log)-1:], fmt.Sprintf("reset %d by us: enhance_your_calm, %s", id, tt.reason))
				equal(t, "sent", r.sent(), fmt.Sprintf("RST_STREAM %d enhance_your_calm", id))
				r.c.Release(s)
				r.forget()
				for range mostExcuses {
					r.take(frame)
				}
				equal(t, "events", r.log)
			}
			r.take(frameOf(0x1, 0x5, other.ID, okBlock))
			equal(t, "the other", r.log, fmt.Sprintf("head %d 200 end", other.ID))
		})
	}
}

// TestTricklingContent: a server that pads its content with empty frames now and then is no flood.
func TestTricklingContent(t *testing.T) {
	r := dialled(t, &DefaultConfig)
	s := r.ask(&getHead, true)
	r.take(frameOf(0x1, 0x4, s.ID, okBlock))
	content := strings.Repeat("x", tiny)
	for range 1000 {
		r.take(dataOf(s.ID, "") + dataOf(s.ID, content) + dataOf(s.ID, content))
		r.c.Grant(s, 2*tiny)
		r.forget()
	}
	if s.Dead() {
		t.Error("the stream was reset")
	}
}

// TestLostInterest: clients that go away in the middle of large responses have us reset streams on which a server has much
// on its way. It has done nothing wrong, and keeps the connection.
func TestLostInterest(t *testing.T) {
	r := dialled(t, &DefaultConfig)
	for range 1000 {
		s := r.ask(&getHead, true)
		id := s.ID
		r.take(frameOf(0x1, 0x4, id, okBlock))
		r.c.Reset(s, Cancel)
		r.c.Release(s)
		r.forget()
		for range 60 {
			r.take(dataOf(id, "0123456789"))
		}
		r.take(frameOf(0x1, 0x5, id, fields("x", "y")) + rst(id, NoError))
		equal(t, "events", r.log)
	}
	// A flood without content is one, whoever sends it.
	r.forget()
	s := r.ask(&getHead, true)
	id := s.ID
	r.c.Reset(s, Cancel)
	r.c.Release(s)
	for range 10_000 {
		if r.take(dataOf(id, "")); len(r.log) > 0 {
			equal(t, "events", r.log, "fatal: enhance_your_calm, frames_for_closed_streams")
			return
		}
	}
	t.Error("empty frames without end are taken")
}

func TestPing(t *testing.T) {
	r := dialled(t, &DefaultConfig)
	r.c.Ping()
	r.c.Ping()
	equal(t, "sent", r.sent(), "PING 0 0000000000000001")
	if !r.c.Pinging() {
		t.Error("no answer has come")
	}
	r.take(frameOf(0x6, 1, 0, "\x00\x00\x00\x00\x00\x00\x00\x02") + frameOf(0x6, 1, 0, "\x00\x00\x00\x00\x00\x00\x00\x01"))
	equal(t, "events", r.log, "ping answered")
	if r.c.Pinging() {
		t.Error("the answer has come")
	}
}

func TestConnectContent(t *testing.T) {
	r := dialled(t, &DefaultConfig)
	dec := xhpack.NewDecoder(4096, nil)
	s := r.ask(&RequestHead{Method: []byte("CONNECT"), Protocol: []byte("websocket"), Scheme: []byte("https"), Authority: []byte("a"), Path: []byte("/w"), Length: -1}, false)
	equal(t, "request", readFrames(t, r.sc.Out, dec), "HEADERS 1 :method=CONNECT :scheme=https :authority=a :path=/w :protocol=websocket")
	r.take(frameOf(0x1, 0x4, s.ID, okBlock) + dataOf(s.ID, "any") + endOf(s.ID, "thing"))
	equal(t, "events", r.log, "head 1 200", "data 1 anything end")
	r.forget()
	r.ask(&RequestHead{Method: []byte("CONNECT"), Authority: []byte("a:1"), Length: -1}, false)
	equal(t, "request", readFrames(t, r.sc.Out, dec), "HEADERS 3 :method=CONNECT :authority=a:1")
}
