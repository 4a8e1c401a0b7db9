package h2

import (
	"strings"
	"testing"
)

// received is what a server makes of frames that follow the client's preface and settings.
var received = []struct {
	name string
	in   string
	want []string // events
	sent []string // frames
}{
	// Messages (RFC 9113, section 8).
	{"request, byte by byte", "\x00\x00\x06\x01\x05\x00\x00\x00\x01\x82\x86\x84\x41\x01a", []string{"head 1 GET / end"}, nil},
	{
		"request with content", "\x00\x00\x06\x01\x04\x00\x00\x00\x01\x83\x86\x84\x41\x01a\x00\x00\x03\x00\x01\x00\x00\x00\x01abc",
		[]string{"head 1 POST /", "data 1 abc end"},
		nil,
	},
	{"empty content", post(1) + endOf(1, ""), []string{"head 1 POST /", "data 1  end"}, nil},
	{
		"padding", frameOf(0x1, 0x0d, 1, "\x03"+getBlock+"\x00\x00\x00") + post(3) + frameOf(0x0, 0x9, 3, "\x02ab\x00\x00"),
		[]string{"head 1 GET / end", "head 3 POST /", "data 3 ab end"},
		nil,
	},
	{"padding only", post(1) + frameOf(0x0, 0x8, 1, "\x02\x00\x00") + endOf(1, "x"), []string{"head 1 POST /", "data 1 x end"}, nil},
	{
		"padding beyond the frame", frameOf(0x1, 0x0d, 1, "\x07"+getBlock),
		[]string{"fatal: protocol_error, too_much_padding"},
		[]string{"GOAWAY 0 protocol_error"},
	},
	{"padding of all of the frame", frameOf(0x1, 0x0d, 1, "\x06\x00\x00\x00\x00\x00\x00"), nil, []string{"RST_STREAM 1 protocol_error"}},
	{
		"DATA with padding beyond the frame", post(1) + frameOf(0x0, 0x9, 1, "\x05abcd"),
		[]string{"head 1 POST /", "fatal: protocol_error, too_much_padding"},
		[]string{"GOAWAY 1 protocol_error"},
	},
	{
		"DATA that is padded and has no place for it", post(1) + frameOf(0x0, 0x8, 1, ""),
		[]string{"head 1 POST /", "fatal: frame_size_error, bad_frame_size"},
		[]string{"GOAWAY 1 frame_size_error"},
	},
	{
		"HEADERS that are padded and have no place for it", frameOf(0x1, 0xc, 1, ""),
		[]string{"fatal: frame_size_error, bad_frame_size"},
		[]string{"GOAWAY 0 frame_size_error"},
	},
	{"priority of RFC 7540", frameOf(0x1, 0x25, 1, "\x00\x00\x00\x03\x10"+getBlock), []string{"head 1 GET / end"}, nil},
	{
		"HEADERS without room for their priority", frameOf(0x1, 0x25, 1, "\x00\x00\x00\x03"),
		[]string{"fatal: frame_size_error, bad_frame_size"},
		[]string{"GOAWAY 0 frame_size_error"},
	},
	{
		"HEADERS of a stream that depends on itself", frameOf(0x1, 0x25, 1, "\x00\x00\x00\x01\x10"+getBlock), nil,
		[]string{"RST_STREAM 1 protocol_error"},
	},
	{
		"PRIORITY of a stream that depends on itself", get(1) + frameOf(0x2, 0, 1, "\x80\x00\x00\x01\x10"),
		[]string{"head 1 GET / end", "reset 1 by us: protocol_error, self_dependency"},
		[]string{"RST_STREAM 1 protocol_error"},
	},
	{
		"the same of an idle one", frameOf(0x2, 0, 3, "\x00\x00\x00\x03\x10"),
		[]string{"fatal: protocol_error, self_dependency"},
		[]string{"GOAWAY 0 protocol_error"},
	},
	{"PRIORITY of an idle stream", frameOf(0x2, 0, 5, "\x00\x00\x00\x03\x10") + get(1), []string{"head 1 GET / end"}, nil},
	{
		"PRIORITY of no stream", frameOf(0x2, 0, 0, "\x00\x00\x00\x03\x10"),
		[]string{"fatal: protocol_error, wrong_stream"},
		[]string{"GOAWAY 0 protocol_error"},
	},
	{
		"PRIORITY of the wrong size", frameOf(0x2, 0, 1, "\x00\x00\x00\x03"),
		[]string{"fatal: frame_size_error, bad_frame_size"},
		[]string{"GOAWAY 0 frame_size_error"},
	},
	{
		"trailers", post(1) + dataOf(1, "ab") + frameOf(0x1, 0x5, 1, fields("x-sum", "1", "x-other", "2")),
		[]string{"head 1 POST /", "data 1 ab", `trailers 1 "x-sum: 1\r\nx-other: 2\r\n"`},
		nil,
	},
	{
		"trailers that may not be there", post(1) + frameOf(0x1, 0x5, 1, fields("content-length", "1", "x-a", "b", "authorization", "c")),
		[]string{"head 1 POST /", `trailers 1 "x-a: b\r\n"`},
		nil,
	},
	{"no trailers", post(1) + frameOf(0x1, 0x5, 1, ""), []string{"head 1 POST /", `trailers 1 ""`}, nil},
	{
		"trailers with a pseudo-header field", post(1) + frameOf(0x1, 0x5, 1, fields(":path", "/")),
		[]string{"head 1 POST /", "reset 1 by us: protocol_error, bad_field_name"},
		[]string{"RST_STREAM 1 protocol_error"},
	},
	{
		"a second head", post(1) + frameOf(0x1, 0x4, 1, postBlock),
		[]string{"head 1 POST /", "reset 1 by us: protocol_error, second_head"},
		[]string{"RST_STREAM 1 protocol_error"},
	},
	{
		"Content-Length that is right", frameOf(0x1, 0x4, 1, postBlock+fields("content-length", "3")) + dataOf(1, "ab") + endOf(1, "c"),
		[]string{"head 1 POST /", "data 1 abc end"},
		nil,
	},
	{
		"less than Content-Length", frameOf(0x1, 0x4, 1, postBlock+fields("content-length", "3")) + dataOf(1, "a") + endOf(1, "b"),
		[]string{"head 1 POST /", "data 1 a", "reset 1 by us: protocol_error, content_length_mismatch"},
		[]string{"RST_STREAM 1 protocol_error"},
	},
	{
		"more than Content-Length", frameOf(0x1, 0x4, 1, postBlock+fields("content-length", "3")) + dataOf(1, "abcd") + get(3),
		[]string{"head 1 POST /", "reset 1 by us: protocol_error, content_length_mismatch", "head 3 GET / end"},
		[]string{"RST_STREAM 1 protocol_error"},
	},
	{
		"less than Content-Length before trailers", frameOf(0x1, 0x4, 1, postBlock+fields("content-length", "3")) + frameOf(0x1, 0x5, 1, ""),
		[]string{"head 1 POST /", "reset 1 by us: protocol_error, content_length_mismatch"},
		[]string{"RST_STREAM 1 protocol_error"},
	},
	{
		"Content-Length without content", frameOf(0x1, 0x5, 1, postBlock+fields("content-length", "3")), nil,
		[]string{"RST_STREAM 1 protocol_error"},
	},
	{
		"a name in upper case", frameOf(0x1, 0x5, 1, getBlock+"\x00\x01X\x01b") + get(3),
		[]string{"head 3 GET / end"},
		[]string{"RST_STREAM 1 protocol_error"},
	},
	{"an unknown pseudo-header field", frameOf(0x1, 0x5, 1, getBlock+"\x00\x02:x\x01b"), nil, []string{"RST_STREAM 1 protocol_error"}},
	{"CR and LF in a value", frameOf(0x1, 0x5, 1, getBlock+"\x00\x01x\x04a\r\nb"), nil, []string{"RST_STREAM 1 protocol_error"}},
	{"Transfer-Encoding", frameOf(0x1, 0x5, 1, getBlock+fields("transfer-encoding", "chunked")), nil, []string{"RST_STREAM 1 protocol_error"}},
	{"no path", frameOf(0x1, 0x5, 1, "\x82\x86\x41\x01a"), nil, []string{"RST_STREAM 1 protocol_error"}},
	{"an expectation that nobody knows", frameOf(0x1, 0x5, 1, getBlock+fields("expect", "more")), []string{"refuse 1 417 unknown_expectation end"}, nil},
	{
		"extended CONNECT", frameOf(0x1, 0x4, 1, fields(":method", "CONNECT", ":protocol", "websocket", ":scheme", "http", ":path", "/w", ":authority", "a")),
		[]string{"head 1 GET /w"},
		nil,
	},
	{"CONNECT", frameOf(0x1, 0x4, 1, fields(":method", "CONNECT", ":authority", "a:1")) + dataOf(1, "x"), []string{"head 1 CONNECT a:1", "data 1 x"}, nil},

	// Header blocks (RFC 9113, sections 4.3 and 6.10).
	{
		"CONTINUATION", frameOf(0x1, 0x1, 1, "\x82\x86") + frameOf(0x9, 0, 1, "\x84\x41") + frameOf(0x9, 0, 1, "") + frameOf(0x9, 0x4, 1, "\x01a"),
		[]string{"head 1 GET / end"},
		nil,
	},
	{
		"CONTINUATION behind padding and a priority", frameOf(0x1, 0x29, 1, "\x02\x00\x00\x00\x00\x01\x82\x86\x00\x00") + frameOf(0x9, 0x4, 1, "\x84\x41\x01a") + get(3),
		[]string{"head 1 GET / end", "head 3 GET / end"},
		nil,
	},
	{"HEADERS without a block and CONTINUATION with it", frameOf(0x1, 0x1, 1, "") + frameOf(0x9, 0x4, 1, getBlock), []string{"head 1 GET / end"}, nil},
	{
		"CONTINUATION of another stream", frameOf(0x1, 0x1, 1, "\x82") + frameOf(0x9, 0x4, 3, "\x86\x84\x41\x01a"),
		[]string{"fatal: protocol_error, block_interrupted"},
		[]string{"GOAWAY 0 protocol_error"},
	},
	{"DATA within a block", frameOf(0x1, 0x1, 1, "\x82") + dataOf(1, "x"), []string{"fatal: protocol_error, block_interrupted"}, []string{"GOAWAY 0 protocol_error"}},
	{"an unknown frame within a block", frameOf(0x1, 0x1, 1, "\x82") + frameOf(0xff, 0, 1, "x"), []string{"fatal: protocol_error, block_interrupted"}, []string{"GOAWAY 0 protocol_error"}},
	{
		"CONTINUATION behind a whole block", get(1) + frameOf(0x9, 0x4, 1, ""),
		[]string{"head 1 GET / end", "fatal: protocol_error, continuation_without_headers"},
		[]string{"GOAWAY 1 protocol_error"},
	},
	{"a block that cannot be decoded", frameOf(0x1, 0x5, 1, "\x80"), []string{"fatal: compression_error, hpack_index"}, []string{"GOAWAY 1 compression_error"}},
	{"a block that ends within a field", frameOf(0x1, 0x5, 1, "\x82\x41\x02a"), []string{"fatal: compression_error, header_block_truncated"}, []string{"GOAWAY 1 compression_error"}},
	{
		"a block of a stream that is refused changes the table", frameOf(0x1, 0x5, 1, "\x82\x86\x41\x01a\x40\x03x-y\x01z") + frameOf(0x1, 0x5, 3, getBlock+"\xbf"),
		[]string{"head 3 GET / end"},
		[]string{"RST_STREAM 1 protocol_error"},
	},

	// Streams (RFC 9113, section 5.1).
	{"DATA on an idle stream", dataOf(1, "x"), []string{"fatal: protocol_error, data_for_idle_stream"}, []string{"GOAWAY 0 protocol_error"}},
	{"RST_STREAM of an idle stream", rst(1, Cancel), []string{"fatal: protocol_error, reset_of_idle_stream"}, []string{"GOAWAY 0 protocol_error"}},
	{"WINDOW_UPDATE of an idle stream", window(1, 1), []string{"fatal: protocol_error, update_of_idle_stream"}, []string{"GOAWAY 0 protocol_error"}},
	{"frames without their stream", dataOf(0, "x"), []string{"fatal: protocol_error, data_without_stream"}, []string{"GOAWAY 0 protocol_error"}},
	{"HEADERS without a stream", get(0), []string{"fatal: protocol_error, headers_without_stream"}, []string{"GOAWAY 0 protocol_error"}},
	{"RST_STREAM without a stream", rst(0, Cancel), []string{"fatal: protocol_error, wrong_stream"}, []string{"GOAWAY 0 protocol_error"}},
	{"DATA behind the end", get(1) + dataOf(1, "x"), []string{"head 1 GET / end", "reset 1 by us: stream_closed, data_after_end"}, []string{"RST_STREAM 1 stream_closed"}},
	{"HEADERS behind the end", get(1) + get(1), []string{"head 1 GET / end", "reset 1 by us: stream_closed, headers_after_end"}, []string{"RST_STREAM 1 stream_closed"}},
	{
		"what may follow the end", get(1) + window(1, 5) + frameOf(0x2, 0, 1, "\x00\x00\x00\x03\x10") + rst(1, Cancel),
		[]string{"head 1 GET / end", "writable 1", "reset 1 by peer: cancel, peer_reset"},
		nil,
	},
	{"an even identifier", get(2), []string{"fatal: protocol_error, headers_for_idle_stream"}, []string{"GOAWAY 0 protocol_error"}},
	{"an identifier that was passed over", get(5) + get(3), []string{"head 5 GET / end", "fatal: protocol_error, stream_out_of_order"}, []string{"GOAWAY 5 protocol_error"}},
	{"the greatest identifier", get(maxWindow), []string{"head 2147483647 GET / end"}, nil},
	{"the reserved bit", "\x00\x00\x06\x01\x05\x80\x00\x00\x01" + getBlock, []string{"head 1 GET / end"}, nil},
	{
		"more streams than allowed", get(1) + get(3) + get(5) + get(7) + get(9),
		[]string{"head 1 GET / end", "head 3 GET / end", "head 5 GET / end", "head 7 GET / end"},
		[]string{"RST_STREAM 9 refused_stream"},
	},
	{
		"RST_STREAM of the wrong size", get(1) + frameOf(0x3, 0, 1, "\x00\x00\x00"),
		[]string{"head 1 GET / end", "fatal: frame_size_error, bad_frame_size"},
		[]string{"GOAWAY 1 frame_size_error"},
	},

	// Settings (RFC 9113, section 6.5).
	{"SETTINGS", settingsOf(3, 100, 6, 1000, 0xf0f0, 7), []string{"settings"}, []string{"SETTINGS 0 ack"}},
	{"SETTINGS on a stream", frameOf(0x4, 0, 1, ""), []string{"fatal: protocol_error, settings_on_stream"}, []string{"GOAWAY 0 protocol_error"}},
	{"SETTINGS of the wrong size", frameOf(0x4, 0, 0, "\x00\x03\x00"), []string{"fatal: frame_size_error, bad_frame_size"}, []string{"GOAWAY 0 frame_size_error"}},
	{"an acknowledgement with a payload", frameOf(0x4, 0x1, 0, "\x00\x03\x00\x00\x00\x64"), []string{"fatal: frame_size_error, bad_frame_size"}, []string{"GOAWAY 0 frame_size_error"}},
	{"ENABLE_PUSH that is neither", settingsOf(2, 2), []string{"fatal: protocol_error, bad_setting_enable_push"}, []string{"GOAWAY 0 protocol_error"}},
	{"INITIAL_WINDOW_SIZE above the limit", settingsOf(4, 1<<31), []string{"fatal: flow_control_error, bad_setting_initial_window"}, []string{"GOAWAY 0 flow_control_error"}},
	{"MAX_FRAME_SIZE below the limit", settingsOf(5, 1<<14-1), []string{"fatal: protocol_error, bad_setting_max_frame_size"}, []string{"GOAWAY 0 protocol_error"}},
	{"MAX_FRAME_SIZE above the limit", settingsOf(5, 1<<24), []string{"fatal: protocol_error, bad_setting_max_frame_size"}, []string{"GOAWAY 0 protocol_error"}},
	{"ENABLE_CONNECT_PROTOCOL that is taken back", settingsOf(8, 1, 8, 0), []string{"fatal: protocol_error, bad_setting_connect_protocol"}, []string{"GOAWAY 0 protocol_error"}},
	{"NO_RFC7540_PRIORITIES that comes late", settingsOf(9, 1), []string{"fatal: protocol_error, bad_setting_no_priorities"}, []string{"GOAWAY 0 protocol_error"}},

	// Other frames.
	{"PING", frameOf(0x6, 0, 0, "abcdefgh"), nil, []string{"PING 0 6162636465666768 ack"}},
	{"PING that is an answer to nothing", frameOf(0x6, 1, 0, "abcdefgh"), nil, nil},
	{"PING on a stream", frameOf(0x6, 0, 1, "abcdefgh"), []string{"fatal: protocol_error, wrong_stream"}, []string{"GOAWAY 0 protocol_error"}},
	{"PING of the wrong size", frameOf(0x6, 0, 0, "abcdefg"), []string{"fatal: frame_size_error, bad_frame_size"}, []string{"GOAWAY 0 frame_size_error"}},
	{"GOAWAY", frameOf(0x7, 0, 0, be32(0)+be32(2)+"bye"), []string{`goaway 0 internal_error "bye"`}, nil},
	{"GOAWAY on a stream", frameOf(0x7, 0, 1, be32(0)+be32(0)), []string{"fatal: protocol_error, goaway_on_stream"}, []string{"GOAWAY 0 protocol_error"}},
	{"GOAWAY that is too short", frameOf(0x7, 0, 0, be32(0)), []string{"fatal: frame_size_error, bad_frame_size"}, []string{"GOAWAY 0 frame_size_error"}},
	{"PUSH_PROMISE", frameOf(0x5, 0x4, 1, be32(2)), []string{"fatal: protocol_error, push_promise"}, []string{"GOAWAY 0 protocol_error"}},
	{"an unknown frame", frameOf(0xee, 0xff, 77, "whatever") + get(1), []string{"head 1 GET / end"}, nil},
	{"a frame that is too large", frameOf(0x0, 0, 1, strings.Repeat("x", 1<<14+1)), []string{"fatal: frame_size_error, frame_too_large"}, []string{"GOAWAY 0 frame_size_error"}},
	{"WINDOW_UPDATE", get(1) + window(1, 1<<20) + window(0, 1<<20), []string{"head 1 GET / end", "writable 1"}, nil},
	{
		"WINDOW_UPDATE by nothing", get(1) + window(1, 0) + get(3),
		[]string{"head 1 GET / end", "reset 1 by us: protocol_error, empty_window_update", "head 3 GET / end"},
		[]string{"RST_STREAM 1 protocol_error"},
	},
	{"WINDOW_UPDATE of the connection by nothing", window(0, 0), []string{"fatal: protocol_error, empty_window_update"}, []string{"GOAWAY 0 protocol_error"}},
	{"WINDOW_UPDATE of the wrong size", frameOf(0x8, 0, 0, "\x00\x00\x01"), []string{"fatal: frame_size_error, bad_frame_size"}, []string{"GOAWAY 0 frame_size_error"}},
	{"a window above the limit", get(1) + window(1, maxWindow), []string{"head 1 GET / end", "reset 1 by us: flow_control_error, window_overflow"}, []string{"RST_STREAM 1 flow_control_error"}},
	{"the connection's window above the limit", window(0, maxWindow), []string{"fatal: flow_control_error, window_overflow"}, []string{"GOAWAY 0 flow_control_error"}},
	{
		"a window made too large by settings", get(1) + window(1, maxWindow-MinWindow) + settingsOf(4, MinWindow+1),
		[]string{"head 1 GET / end", "writable 1", "fatal: flow_control_error, window_overflow"},
		[]string{"GOAWAY 1 flow_control_error"},
	},

	// Priorities (RFC 9218, section 7.1).
	{"PRIORITY_UPDATE", frameOf(0x10, 0, 0, be32(1)+"u=1") + get(1), []string{"head 1 GET / end"}, nil},
	{"PRIORITY_UPDATE on a stream", frameOf(0x10, 0, 1, be32(1)+"u=1"), []string{"fatal: protocol_error, priority_update_misplaced"}, []string{"GOAWAY 0 protocol_error"}},
	{"PRIORITY_UPDATE of no stream", frameOf(0x10, 0, 0, be32(0)+"u=1"), []string{"fatal: protocol_error, priority_update_of_no_stream"}, []string{"GOAWAY 0 protocol_error"}},
	{"PRIORITY_UPDATE that is too short", frameOf(0x10, 0, 0, "\x00\x00\x00"), []string{"fatal: frame_size_error, bad_frame_size"}, []string{"GOAWAY 0 frame_size_error"}},
}

func serverConfig() *Config {
	cfg := DefaultConfig
	cfg.Streams = 4
	return &cfg
}

func TestReceived(t *testing.T) {
	for _, tt := range received {
		t.Run(tt.name, func(t *testing.T) {
			r := serving(t, serverConfig())
			r.take(tt.in)
			equal(t, "events", r.log, tt.want...)
			equal(t, "sent", r.sent(), tt.sent...)
			r.c.Close()
			if n := r.sc.Streams(); n != 0 {
				t.Errorf("%d streams are left", n)
			}
		})
	}
}

// TestCut hands over the same byte by byte, and cut in two at every place.
func TestCut(t *testing.T) {
	for _, tt := range received {
		if len(tt.in) > 1000 {
			continue
		}
		t.Run(tt.name, func(t *testing.T) {
			r := serving(t, serverConfig())
			for i := range len(tt.in) {
				r.take(tt.in[i : i+1])
			}
			equal(t, "events byte by byte", r.log, tt.want...)
			equal(t, "sent byte by byte", r.sent(), tt.sent...)
			if r.c.held != nil {
				t.Error("a buffer is left")
			}
			for i := range len(tt.in) {
				r := serving(t, serverConfig())
				r.take(tt.in[:i])
				r.take(tt.in[i:])
				equal(t, "events", r.log, tt.want...)
				equal(t, "sent", r.sent(), tt.sent...)
				if t.Failed() {
					t.Fatalf("cut at %d", i)
				}
			}
		})
	}
}

func TestPreface(t *testing.T) {
	tests := []struct {
		name string
		in   string
		want []string
	}{
		{"preface and settings", Preface + noSettings, []string{"settings"}},
		{"another preface", "PRI * HTTP/2.1\r\n\r\nSM\r\n\r\n" + noSettings, []string{"fatal: protocol_error, bad_preface"}},
		{"HTTP/1.1", "GET / HTTP/1.1\r\n\r\n", []string{"fatal: protocol_error, bad_preface"}},
		{"no settings", Preface + get(1), []string{"fatal: protocol_error, settings_missing"}},
		{"an acknowledgement first", Preface + frameOf(frameSettings, flagAck, 0, ""), []string{"fatal: protocol_error, settings_missing"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for i := range len(tt.in) {
				r := newRig(t, &DefaultConfig)
				r.take(tt.in[:i])
				r.take(tt.in[i:])
				equal(t, "events", r.log, tt.want...)
			}
		})
	}
}

func TestAnnounced(t *testing.T) {
	cfg := DefaultConfig
	cfg.TableSize, cfg.FrameSize, cfg.Window = 8192, 1<<15, 1<<17
	var c Conn
	sc := NewScratch()
	c.Accept(sc, &cfg)
	equal(t, "server", readFrames(t, sc.Out, nil),
		"SETTINGS 0 1=8192 3=128 9=1 8=1 4=131072 5=32768 6=32768",
		"WINDOW_UPDATE 0 +983041")
	c.Close()
	sc.Out = sc.Out[:0]
	c.Dial(sc, &DefaultConfig)
	rest, ok := strings.CutPrefix(string(sc.Out), Preface)
	if !ok {
		t.Error("no preface")
	}
	equal(t, "client", readFrames(t, []byte(rest), nil), "SETTINGS 0 2=0 6=32768", "WINDOW_UPDATE 0 +983041")
}
