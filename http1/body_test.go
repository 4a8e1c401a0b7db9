package http1

import (
	"strings"
	"testing"
)

// decode feeds in to a body in pieces of the given size and returns the content, the trailer section, what was left
// over, whether it ended, and the error.
func decode(in string, piece int, kind BodyKind, length int64, lim *Limits) (content, trailer, rest string, done bool, err Error) {
	var d Body
	d.Reset(kind, length, lim)
	var out, section []byte
	b := []byte(in)
	consumed, seen := 0, min(piece, len(b))
	for {
		data, n, end, e := d.Next(b[consumed:seen:seen])
		out = append(out, data...)
		section = append(section, d.TrailerPart(b[consumed:consumed+n])...)
		consumed += n
		if end || e != OK {
			return string(out), string(section), in[consumed:], end, e
		}
		if n == 0 || consumed == seen {
			if seen == len(b) {
				return string(out), string(section), in[consumed:], false, OK
			}
			seen = min(seen+piece, len(b))
		}
	}
}

var validBodies = []struct {
	name                   string
	kind                   BodyKind
	length                 int64
	in                     string
	content, trailer, rest string
}{
	{"none", BodyNone, 0, "GET", "", "", "GET"},
	{"length 0", BodyLength, 0, "GET", "", "", "GET"},
	{"length", BodyLength, 3, "abcGET", "abc", "", "GET"},
	{"chunks", BodyChunked, -1, "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\nGET", "abcde", "\r\n", "GET"},
	{"no chunk", BodyChunked, -1, "0\r\n\r\n", "", "\r\n", ""},
	{"last-chunk of zeros", BodyChunked, -1, "1\r\na\r\n0000\r\n\r\n", "a", "\r\n", ""},
	{"size in both cases", BodyChunked, -1, "a\r\n0123456789\r\nB\r\n0123456789a\r\n0\r\n\r\n", "01234567890123456789a", "\r\n", ""},
	{"size of 16 digits", BodyChunked, -1, "0000000000000001\r\na\r\n0\r\n\r\n", "a", "\r\n", ""},
	{"data that looks like framing", BodyChunked, -1, "7\r\n\r\n0\r\n\r\n\r\n0\r\n\r\n", "\r\n0\r\n\r\n", "\r\n", ""},
	{"extensions", BodyChunked, -1, "1;a;b=c;d=\"e \\\" \\\\ ;\t\xff\"\r\na\r\n0;x\r\n\r\n", "a", "\r\n", ""},
	{"extension with an empty string", BodyChunked, -1, "1;a=\"\";b\r\na\r\n0\r\n\r\n", "a", "\r\n", ""},
	{"trailer", BodyChunked, -1, "1\r\na\r\n0\r\nX: y\r\nZ:\r\n\r\nGET", "a", "X: y\r\nZ:\r\n\r\n", "GET"},
}

func TestValidBodies(t *testing.T) {
	for _, tt := range validBodies {
		t.Run(tt.name, func(t *testing.T) {
			for piece := 1; piece <= len(tt.in); piece++ {
				content, trailer, rest, done, err := decode(tt.in, piece, tt.kind, tt.length, &DefaultLimits)
				if content != tt.content || trailer != tt.trailer || rest != tt.rest || !done || err != OK {
					t.Fatalf("in pieces of %d: content %q, trailer %q, rest %q, %v, %v", piece, content, trailer, rest, done, err)
				}
			}
			end := len(tt.in) - len(tt.rest)
			for cut := range end {
				if _, _, _, done, err := decode(tt.in[:cut], cut+1, tt.kind, tt.length, &DefaultLimits); done || err != OK {
					t.Fatalf("%q: %v, %v", tt.in[:cut], done, err)
				}
			}
		})
	}
}

var invalidBodies = []struct {
	name, in string
	want     Error
}{
	{"size empty", "\r\n", ErrBadChunkSize},
	{"size not hexadecimal", "g\r\n", ErrBadChunkSize},
	{"size with prefix", "0x5\r\n", ErrBadChunkSize},
	{"size with sign", "+5\r\nabcde\r\n", ErrBadChunkSize},
	{"size negative", "-1\r\n", ErrBadChunkSize},
	{"size behind a space", " 5\r\nabcde\r\n", ErrBadChunkSize},
	{"size before a space", "5 \r\nabcde\r\n", ErrBadChunkSize},
	{"size before a tab", "5\t\r\nabcde\r\n", ErrBadChunkSize},
	{"size in quotes", "\"5\"\r\n", ErrBadChunkSize},
	{"size with underscore", "1_0\r\n", ErrBadChunkSize},
	{"size before a NUL", "5\x00\r\nabcde\r\n", ErrBadChunkSize},
	{"size past 63 bits", "8000000000000000\r\n", ErrBadChunkSize},
	{"size past 64 bits", "10000000000000005\r\nabcde\r\n", ErrBadChunkSize},
	{"size of 17 digits", "00000000000000005\r\nabcde\r\n", ErrBadChunkSize},
	{"size ended by LF", "5\nabcde\r\n", ErrBareLF},
	{"size ended by CR", "5\rabcde\r\n", ErrBareCR},
	{"size ended by CR CR LF", "5\r\r\nabcde\r\n", ErrBareCR},
	{"extension behind a space", "5 ;a\r\n", ErrBadChunkSize},
	{"extension empty", "5;\r\n", ErrBadChunkExtension},
	{"extension without name", "5;=a\r\n", ErrBadChunkExtension},
	{"extension without value", "5;a=\r\n", ErrBadChunkExtension},
	{"extension with space", "5; a\r\n", ErrBadChunkExtension},
	{"extension with space before equals", "5;a =b\r\n", ErrBadChunkExtension},
	{"extension with two values", "5;a=b=c\r\n", ErrBadChunkExtension},
	{"extension with LF", "5;a\nb\r\n", ErrBadChunkExtension},
	{"extension with CR", "5;a\rb\r\n", ErrBareCR},
	{"extension with NUL", "5;a\x00\r\n", ErrBadChunkExtension},
	{"extension cut off by LF CR LF", "5;\n\r\nabcde\r\n", ErrBadChunkExtension},
	{"extension with CRLF in quotes", "5;a=\"\r\n\"\r\nabcde\r\n", ErrBadChunkExtension},
	{"extension with escaped CR", "5;a=\"\\\r\"\r\nabcde\r\n", ErrBadChunkExtension},
	{"extension with LF in quotes", "5;a=\"\n\"\r\nabcde\r\n", ErrBadChunkExtension},
	{"extension behind a quoted string", "5;a=\"b\"c\r\n", ErrBadChunkExtension},
	{"line too long", "5;" + strings.Repeat("a", DefaultLimits.ChunkLine) + "\r\n", ErrChunkLineTooLong},
	{"data longer than its size", "3\r\nabcd\r\n", ErrBadChunkEnd},
	{"data without CR", "3\r\nabc\n0\r\n\r\n", ErrBadChunkEnd},
	{"data without LF", "3\r\nabc\r0\r\n\r\n", ErrBadChunkEnd},
	{"data without CRLF", "3\r\nabc0\r\n\r\n", ErrBadChunkEnd},
	{"trailer with LF only", "0\r\n\n", ErrBareLF},
	{"trailer with CR only", "0\r\n\rX", ErrBareCR},
	{"trailer field ended by LF", "0\r\nX: y\n\r\n", ErrBareLF},
	{"trailer field ended by CR", "0\r\nX: y\rZ: a\r\n\r\n", ErrBareCR},
	{"trailer name with space", "0\r\nX : y\r\n\r\n", ErrSpaceBeforeColon},
	{"trailer obs-fold", "0\r\nX: y\r\n z\r\n\r\n", ErrObsFold},
	{"trailer without name", "0\r\n: y\r\n\r\n", ErrBadFieldName},
	{"trailer without colon", "0\r\nGET / HTTP/1.1\r\n\r\n", ErrSpaceBeforeColon},
	{"trailer line cut short", "0\r\nX\r\n\r\n", ErrBadFieldName},
	{"trailer name with LF", "0\r\nX\n: y\r\n\r\n", ErrBareLF},
	{"trailer value with NUL", "0\r\nX: \x00\r\n\r\n", ErrBadFieldValue},
	{"trailer too large", "0\r\nX: " + strings.Repeat("y", DefaultLimits.TrailerBytes), ErrTrailerTooLarge},
}

func TestInvalidBodies(t *testing.T) {
	for _, tt := range invalidBodies {
		t.Run(tt.name, func(t *testing.T) {
			for _, prefix := range []string{"", "4\r\n0123\r\n", "1;a=\"b\"\r\nz\r\n"} {
				in := prefix + tt.in
				for _, piece := range pieceSizes(len(in)) {
					if _, _, _, done, err := decode(in, piece, BodyChunked, -1, &DefaultLimits); done || err != tt.want {
						t.Fatalf("in pieces of %d: %v, %v; want %v", piece, done, err, tt.want)
					}
				}
			}
		})
	}
}

// pieceSizes returns all sizes for a short message, and telling ones for a long one.
func pieceSizes(length int) (sizes []int) {
	for size := 1; size <= length; size++ {
		if length < 100 || size < 10 || size > length-3 {
			sizes = append(sizes, size)
		}
	}
	return sizes
}

func TestBodyLimits(t *testing.T) {
	lim := Limits{ChunkLine: 4, TrailerBytes: 8}
	for _, tt := range []struct {
		in   string
		want Error
	}{
		{"1;ab\r\na\r\n0\r\n\r\n", OK},
		{"1;abc\r\na\r\n0\r\n\r\n", ErrChunkLineTooLong},
		{"0000\r\n\r\n", OK},
		{"00000\r\n\r\n", ErrChunkLineTooLong},
		{"0\r\nX: y\r\n\r\n", OK},
		{"0\r\nX: yz\r\n\r\n", ErrTrailerTooLarge},
	} {
		for piece := 1; piece <= len(tt.in); piece++ {
			if _, _, _, done, err := decode(tt.in, piece, BodyChunked, -1, &lim); err != tt.want || done != (err == OK) {
				t.Errorf("%q in pieces of %d: %v, %v", tt.in, piece, done, err)
			}
		}
	}
}

func TestBodyUntilClose(t *testing.T) {
	var d Body
	d.Reset(BodyUntilClose, -1, &DefaultLimits)
	for _, piece := range []string{"abc", "", "d"} {
		if data, n, done, err := d.Next([]byte(piece)); string(data) != piece || n != len(piece) || done || err != OK {
			t.Errorf("%q: %q, %d, %v, %v", piece, data, n, done, err)
		}
	}
	if err := d.EOF(); err != OK || !d.Done() {
		t.Errorf("at the end: %v, done %v", err, d.Done())
	}
	if data, n, done, err := d.Next([]byte("x")); len(data) != 0 || n != 0 || !done || err != OK {
		t.Errorf("after the end: %q, %d, %v, %v", data, n, done, err)
	}
}

func TestTruncatedBodies(t *testing.T) {
	for _, tt := range []struct {
		name   string
		kind   BodyKind
		length int64
		in     string
		want   Error
	}{
		{"none", BodyNone, 0, "", OK},
		{"length whole", BodyLength, 3, "abc", OK},
		{"length short", BodyLength, 3, "ab", ErrTruncated},
		{"chunked whole", BodyChunked, -1, "0\r\n\r\n", OK},
		{"chunked before the data", BodyChunked, -1, "3\r\n", ErrTruncated},
		{"chunked between chunks", BodyChunked, -1, "1\r\na\r\n", ErrTruncated},
		{"chunked before the empty line", BodyChunked, -1, "0\r\n", ErrTruncated},
	} {
		var d Body
		d.Reset(tt.kind, tt.length, &DefaultLimits)
		for b := []byte(tt.in); len(b) > 0; {
			_, n, _, err := d.Next(b)
			if err != OK {
				t.Fatal(err)
			}
			b = b[n:]
		}
		if err := d.EOF(); err != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
	}
}

func TestBodyErrorsStick(t *testing.T) {
	var d Body
	d.Reset(BodyChunked, -1, &DefaultLimits)
	for range 3 {
		if data, n, done, err := d.Next([]byte("x")); len(data) != 0 || n != 0 || done || err != ErrBadChunkSize {
			t.Fatalf("%q, %d, %v, %v", data, n, done, err)
		}
	}
	if err := d.EOF(); err != ErrBadChunkSize {
		t.Errorf("EOF: %v", err)
	}
	d.Reset(BodyLength, 1, &DefaultLimits)
	if d.Kind() != BodyLength || d.Remaining() != 1 || d.Done() {
		t.Error("Reset leaves a trace of the last message")
	}
	if _, n, done, err := d.Next([]byte("ab")); n != 1 || !done || err != OK {
		t.Errorf("after Reset: %d, %v, %v", n, done, err)
	}
}

// A message that lies whole in the buffer with one chunk is done in one call, so that nothing waits for another event.
func TestWholeChunkedBodyInOneCall(t *testing.T) {
	var d Body
	d.Reset(BodyChunked, -1, &DefaultLimits)
	in := []byte("5\r\nhello\r\n0\r\nX: y\r\n\r\nGET")
	data, n, done, err := d.Next(in)
	if string(data) != "hello" || n != len(in)-3 || !done || err != OK {
		t.Fatalf("%q, %d, %v, %v", data, n, done, err)
	}
	if got := string(d.TrailerPart(in[:n])); got != "X: y\r\n\r\n" || !d.HasTrailer() {
		t.Errorf("trailer section %q", got)
	}
	if cap(data) != len(data) {
		t.Error("appending to the data would overwrite the buffer")
	}
}

func TestTrailerSection(t *testing.T) {
	tests := []struct {
		name, in, want string
		dropped        int
		err            Error
	}{
		{"empty", "\r\n", "", 0, OK},
		{"fields", "X: 1\r\nServer-Timing: a\r\nETag: \"x\"\r\n\r\n", " [X=1] [Server-Timing=a] [ETag=\"x\"]", 0, OK},
		{
			"forbidden fields", "content-length: 5\r\nX: 1\r\nTransfer-Encoding: chunked\r\nHost: b\r\nETag: e\r\nAuthorization: x\r\n" +
				"Set-Cookie: a=b\r\nContent-Encoding: gzip\r\nTrailer: y\r\nConnection: close\r\nX-Forwarded-For: 1.2.3.4\r\nY: 2\r\n\r\n",
			" [X=1] [ETag=e] [Y=2]", 9, OK,
		},
		{"only forbidden fields", "Content-Length: 5\r\n\r\n", "", 1, OK},
		{"invalid name", "X Y: 1\r\n\r\n", "", 0, ErrSpaceBeforeColon},
		{"cut off", "X: 1\r\n", "", 0, ErrIncomplete},
		{"too much", "\r\nX: 1\r\n\r\n", "", 0, ErrIncomplete},
		{"too large", "X: " + strings.Repeat("x", DefaultLimits.TrailerBytes) + "\r\n\r\n", "", 0, ErrTrailerTooLarge},
		{"too many", strings.Repeat("X: 1\r\n", DefaultLimits.Fields+1) + "\r\n", "", 0, ErrTrailerTooLarge},
	}
	var s TrailerSection
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := s.Parse([]byte(tt.in), &DefaultLimits)
			if err != tt.err {
				t.Fatalf("%v, want %v", err, tt.err)
			}
			if err != OK {
				return
			}
			if got := describeFields(&s.Head); got != tt.want || s.Dropped != tt.dropped {
				t.Errorf("got%s, %d dropped; want%s, %d", got, s.Dropped, tt.want, tt.dropped)
			}
			if s.Has(ContentLength) || s.Has(Host) {
				t.Error("a forbidden field is still indexed")
			}
			if etag, ok := s.Get(ETag); ok && !strings.Contains(tt.want, "ETag="+string(etag)) {
				t.Errorf("the index of ETag is %q", etag)
			}
		})
	}
}
