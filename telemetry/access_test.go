package telemetry

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"slices"
	"testing"
	"time"
)

func sampleAccess() *Access {
	return &Access{
		Unix:          1_700_000_000,
		Peer:          netip.MustParseAddrPort("192.0.2.7:50123"),
		Method:        []byte("GET"),
		Target:        []byte("/api/items?q=1"),
		Host:          []byte("example.com"),
		Protocol:      "HTTP/1.1",
		Referer:       []byte("https://example.com/"),
		UserAgent:     []byte("curl/8.5.0 (x86_64)"),
		Status:        200,
		BytesReceived: 12,
		BytesSent:     3456,
		Duration:      1234567 * time.Nanosecond,
		Route:         "GET /api/",
		Upstream:      "10.0.0.1:8080",
	}
}

func TestAppendAccess(t *testing.T) {
	full := sampleAccess()
	bare := &Access{Unix: 0, Method: []byte("GET"), Target: []byte("/"), Status: 400, Reason: "malformed request line"}
	hostile := sampleAccess()
	hostile.Target = []byte("/\"\\\r\n2023-11-14T22:13:20Z forged \x1b[31m\xff\u202e")
	hostile.UserAgent = []byte("-")
	hostile.Referer = []byte("a=b")
	hostile.Peer = netip.AddrPortFrom(netip.MustParseAddr("fe80::1%eth0\n"), 9)

	traced := sampleAccess()
	traced.User = []byte("ann o\"")
	traced.Trace = [16]byte{0x4b, 0xf9, 15: 0x36}
	traced.Fields = []LoggedField{{"x-request-id", []byte("a b\n")}, {"x-none", nil}}

	tests := []struct {
		name   string
		format Format
		access *Access
		want   string
	}{
		{
			"json", JSON, full,
			`{"time":"2023-11-14T22:13:20Z","peer":"192.0.2.7:50123","user":"","method":"GET","target":"/api/items?q=1","host":"example.com",` +
				`"protocol":"HTTP/1.1","status":200,"bytes_received":12,"bytes_sent":3456,"duration_ms":1.234,"route":"GET /api/",` +
				`"upstream":"10.0.0.1:8080","reason":"","referer":"https://example.com/","user_agent":"curl/8.5.0 (x86_64)"}`,
		},
		{
			"json, next to nothing", JSON, bare,
			`{"time":"1970-01-01T00:00:00Z","peer":"","user":"","method":"GET","target":"/","host":"","protocol":"","status":400,` +
				`"bytes_received":0,"bytes_sent":0,"duration_ms":0.000,"route":"","upstream":"","reason":"malformed request line",` +
				`"referer":"","user_agent":""}`,
		},
		{
			"json, hostile", JSON, hostile,
			`{"time":"2023-11-14T22:13:20Z","peer":"[fe80::1%eth0\n]:9","user":"","method":"GET",` +
				`"target":"/\"\\\r\n2023-11-14T22:13:20Z forged \u001b[31m\ufffd\u202e","host":"example.com",` +
				`"protocol":"HTTP/1.1","status":200,"bytes_received":12,"bytes_sent":3456,"duration_ms":1.234,"route":"GET /api/",` +
				`"upstream":"10.0.0.1:8080","reason":"","referer":"a=b","user_agent":"-"}`,
		},
		{
			"text", Text, full,
			`2023-11-14T22:13:20Z 192.0.2.7:50123 GET example.com /api/items?q=1 HTTP/1.1 200 12 3456 1.234ms ` +
				`route="GET /api/" upstream=10.0.0.1:8080 referer=https://example.com/ user_agent="curl/8.5.0 (x86_64)"`,
		},
		{
			"text, next to nothing", Text, bare,
			`1970-01-01T00:00:00Z - GET - / - 400 0 0 0.000ms reason="malformed request line"`,
		},
		{
			"text, hostile", Text, hostile,
			`2023-11-14T22:13:20Z [fe80::1%eth0\n]:9 GET example.com ` +
				`"/\"\\\r\n2023-11-14T22:13:20Z forged \u001b[31m\ufffd\u202e" HTTP/1.1 200 12 3456 1.234ms ` +
				`route="GET /api/" upstream=10.0.0.1:8080 referer=a=b user_agent="-"`,
		},
		{
			"combined", Combined, full,
			`192.0.2.7 - - [14/Nov/2023:22:13:20 +0000] "GET /api/items?q=1 HTTP/1.1" 200 3456 "https://example.com/" "curl/8.5.0 (x86_64)"`,
		},
		{
			"combined, next to nothing", Combined, bare,
			`- - - [01/Jan/1970:00:00:00 +0000] "GET / " 400 0 "-" "-"`,
		},
		{
			"combined, user", Combined, traced,
			`192.0.2.7 - ann_o\" [14/Nov/2023:22:13:20 +0000] "GET /api/items?q=1 HTTP/1.1" 200 3456 "https://example.com/" "curl/8.5.0 (x86_64)"`,
		},
		{
			"combined, no request", Combined, &Access{Status: 400},
			`- - - [01/Jan/1970:00:00:00 +0000] "-" 400 0 "-" "-"`,
		},
		{
			"combined, hostile", Combined, hostile,
			`fe80::1%eth0\n - - [14/Nov/2023:22:13:20 +0000] "GET /\"\\\r\n2023-11-14T22:13:20Z forged \u001b[31m\ufffd\u202e HTTP/1.1" ` +
				`200 3456 "a=b" "-"`,
		},
		{
			"json, trace and fields", JSON, traced,
			`{"time":"2023-11-14T22:13:20Z","peer":"192.0.2.7:50123","user":"ann o\"","method":"GET","target":"/api/items?q=1","host":"example.com",` +
				`"protocol":"HTTP/1.1","status":200,"bytes_received":12,"bytes_sent":3456,"duration_ms":1.234,"route":"GET /api/",` +
				`"upstream":"10.0.0.1:8080","reason":"","referer":"https://example.com/","user_agent":"curl/8.5.0 (x86_64)",` +
				`"trace_id":"4bf90000000000000000000000000036","fields":{"x-request-id":"a b\n","x-none":""}}`,
		},
		{
			"text, trace and fields", Text, traced,
			`2023-11-14T22:13:20Z 192.0.2.7:50123 GET example.com /api/items?q=1 HTTP/1.1 200 12 3456 1.234ms ` +
				`user="ann o\"" route="GET /api/" upstream=10.0.0.1:8080 referer=https://example.com/ user_agent="curl/8.5.0 (x86_64)" ` +
				`trace_id=4bf90000000000000000000000000036 x-request-id="a b\n"`,
		},
		{
			"json, named", JSON, &Access{Status: 200, ID: [16]byte{0xab, 15: 0xcd}},
			`{"time":"1970-01-01T00:00:00Z","peer":"","user":"","method":"","target":"","host":"","protocol":"","status":200,"bytes_received":0,` +
				`"bytes_sent":0,"duration_ms":0.000,"route":"","upstream":"","reason":"","referer":"","user_agent":"","request_id":"ab0000000000000000000000000000cd"}`,
		},
		{
			"text, named", Text, &Access{Status: 200, ID: [16]byte{0xab, 15: 0xcd}},
			`1970-01-01T00:00:00Z - - - - - 200 0 0 0.000ms request_id=ab0000000000000000000000000000cd`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := string(AppendAccess(nil, tt.format, tt.access)); got != tt.want+"\n" {
				t.Errorf("got  %swant %s", got, tt.want)
			}
		})
	}
}

// TestPeer is about the forms of an address.
func TestPeer(t *testing.T) {
	for _, tt := range []struct {
		peer netip.AddrPort
		want string
	}{
		{netip.AddrPort{}, ""},
		{netip.MustParseAddrPort("192.0.2.7:80"), "192.0.2.7:80"},
		{netip.MustParseAddrPort("192.0.2.7:0"), "192.0.2.7"},
		{netip.MustParseAddrPort("[2001:db8::1]:80"), "[2001:db8::1]:80"},
		{netip.MustParseAddrPort("[2001:db8::1]:0"), "2001:db8::1"},
	} {
		if got := string(appendPeer(nil, tt.peer)); got != tt.want {
			t.Errorf("%v is %q, want %q", tt.peer, got, tt.want)
		}
	}
}

// TestAccessFieldOrder reads the keys of a line in the order in which docs/operating.md lists them.
func TestAccessFieldOrder(t *testing.T) {
	d := json.NewDecoder(bytes.NewReader(AppendAccess(nil, JSON, sampleAccess())))
	var keys []string
	for depth, key := 0, true; ; {
		token, err := d.Token()
		if err != nil {
			break
		}
		if _, ok := token.(json.Delim); ok {
			depth++
			continue
		}
		if key {
			keys = append(keys, token.(string))
		}
		key = !key
	}
	want := []string{
		"time", "peer", "user", "method", "target", "host", "protocol", "status", "bytes_received", "bytes_sent", "duration_ms", "route",
		"upstream", "reason", "referer", "user_agent",
	}
	if !slices.Equal(keys, want) {
		t.Errorf("keys %q, want %q", keys, want)
	}
}

// worst is a value whose every byte needs the longest escape.
func worst() []byte { return bytes.Repeat([]byte{0x01}, 4*MaxLine) }

func TestMaxLine(t *testing.T) {
	w := worst()
	a := &Access{
		Unix: 253402300799, Peer: netip.AddrPortFrom(netip.MustParseAddr("fe80:ffff:ffff:ffff:ffff:ffff:ffff:ffff%"+string(w)), 65535),
		User: w, Method: w, Target: w, Host: w, Protocol: string(w), Referer: w, UserAgent: w, Route: string(w), Upstream: string(w), Reason: string(w),
		Trace: [16]byte{1}, ID: [16]byte{1}, GRPC: 17, Status: 599, BytesReceived: 1<<63 - 1, BytesSent: 1<<63 - 1, Duration: 1<<63 - 1,
	}
	for range 3 * MaxLogFields {
		a.Fields = append(a.Fields, LoggedField{string(w), w})
	}
	var fields []Field
	for range 3 * maxFields {
		fields = append(fields, Bytes(string(w), w))
	}
	for name, line := range map[string][]byte{
		"json":     AppendAccess(nil, JSON, a),
		"text":     AppendAccess(nil, Text, a),
		"combined": AppendAccess(nil, Combined, a),
		"error":    AppendError(nil, Error, a.Unix, string(w), fields...),
	} {
		if len(line) > MaxLine {
			t.Errorf("%s: the longest line has %d bytes, more than MaxLine, %d", name, len(line), MaxLine)
		}
		if len(line) < MaxLine/3 {
			t.Errorf("%s: the longest line has only %d bytes: is it the longest?", name, len(line))
		}
	}
}

func TestTime(t *testing.T) {
	for unix := int64(0); unix < 253402300800; unix += 86_399 * 3571 {
		if got, want := string(appendTime(nil, unix)), time.Unix(unix, 0).UTC().Format(time.RFC3339); got != want {
			t.Fatalf("%d is written %s, want %s", unix, got, want)
		}
	}
}

func TestCLFTime(t *testing.T) {
	for unix := int64(0); unix < 253402300800; unix += 86_399 * 3571 {
		if got, want := string(appendCLFTime(nil, unix)), time.Unix(unix, 0).UTC().Format("02/Jan/2006:15:04:05 -0700"); got != want {
			t.Fatalf("%d is written %s, want %s", unix, got, want)
		}
	}
}

// TestStamp has a ring whose lines are of different seconds and formats.
func TestStamp(t *testing.T) {
	r := NewRing(0)
	a := sampleAccess()
	var want []byte
	for _, step := range []struct {
		unix   int64
		format Format
	}{{0, JSON}, {0, JSON}, {1, Text}, {1, Combined}, {1, JSON}, {0, Combined}} {
		a.Unix = step.unix
		r.Access(step.format, a)
		want = AppendAccess(want, step.format, a)
	}
	if got := take(r); !bytes.Equal(got, want) {
		t.Errorf("got %swant %s", got, want)
	}
}

func TestAccessAllocatesNothing(t *testing.T) {
	r, a := NewRing(0), sampleAccess()
	a.Fields = []LoggedField{{"x-request-id", []byte("\x01ü")}}
	for _, f := range []Format{Text, JSON, Combined} {
		if n := testing.AllocsPerRun(1000, func() { r.Access(f, a) }); n != 0 {
			t.Errorf("format %d: %v allocations a line", f, n)
		}
		take(r)
	}
}

func TestMilliseconds(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0.000", 999: "0.000", time.Microsecond: "0.001", 10 * time.Microsecond: "0.010", 999_999: "0.999",
		time.Millisecond: "1.000", time.Minute: "60000.000", -time.Second: "0.000",
	} {
		if got := string(appendMilliseconds(nil, d)); got != want {
			t.Errorf("%d ns: %s, want %s", d, got, want)
		}
	}
}

func TestAppendError(t *testing.T) {
	got := string(AppendError(nil, Warn, 1_700_000_000, "the upstream\nis gone",
		String("upstream", "10.0.0.1:80"), Bytes("target", []byte("/a b")), Int("attempt", -2), Duration("after", 1500*time.Microsecond),
		Addr("peer", netip.MustParseAddrPort("[::1]:9")), Addr("none", netip.AddrPort{}), String("empty", "")))
	want := `2023-11-14T22:13:20Z warn the upstream\nis gone upstream=10.0.0.1:80 target="/a b" attempt=-2 after=1.500ms peer=[::1]:9 none=- empty=-` + "\n"
	if got != want {
		t.Errorf("got  %swant %s", got, want)
	}
}

func TestLevels(t *testing.T) {
	for _, name := range []string{"error", "warn", "info", "debug"} {
		l, ok := ParseLevel(name)
		if !ok || l.String() != name {
			t.Errorf("%q is read as %v", name, l)
		}
	}
	if _, ok := ParseLevel("verbose"); ok {
		t.Error(`"verbose" is taken for a level`)
	}
	if !Warn.Allows(Error) || !Warn.Allows(Warn) || Warn.Allows(Info) {
		t.Error("a log at level warn has the wrong lines")
	}
}
