package http1

import (
	"net/http"
	"strconv"
	"testing"
)

func TestAppend(t *testing.T) {
	for _, tt := range []struct {
		name string
		got  []byte
		want string
	}{
		{"status line", AppendStatusLine(nil, 200), "HTTP/1.1 200 OK\r\n"},
		{"status line without registered reason", AppendStatusLine(nil, 299), "HTTP/1.1 299 \r\n"},
		{"status line beyond the table", AppendStatusLine(nil, 999), "HTTP/1.1 999 \r\n"},
		{"request line", AppendRequestLine(nil, "GET", []byte("/a?b")), "GET /a?b HTTP/1.1\r\n"},
		{"field of strings", AppendField(nil, "A", "b"), "A: b\r\n"},
		{"field of bytes", AppendField([]byte("x"), []byte("A"), []byte("")), "xA: \r\n"},
		{"content length", AppendContentLength(nil, 1234567890123), "Content-Length: 1234567890123\r\n"},
		{"chunk of 1", AppendChunkHeader(nil, 1), "1\r\n"},
		{"chunk of 15", AppendChunkHeader(nil, 15), "f\r\n"},
		{"chunk of 16", AppendChunkHeader(nil, 16), "10\r\n"},
		{"chunk of 0xabc123", AppendChunkHeader(nil, 0xabc123), "abc123\r\n"},
		{"last chunk", []byte(LastChunk), "0\r\n\r\n"},
		{"continue", []byte(Continue), "HTTP/1.1 100 Continue\r\n\r\n"},
	} {
		if string(tt.got) != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, tt.got, tt.want)
		}
	}
}

func TestChunkHeaderOfEveryLength(t *testing.T) {
	for shift := range 63 {
		for _, n := range []int{1 << shift, 1<<shift - 1, 1<<shift + 1} {
			if n == 0 {
				continue
			}
			got := AppendChunkHeader(nil, n)
			if string(got) != strconv.FormatInt(int64(n), 16)+"\r\n" || len(got) > MaxChunkHeader {
				t.Errorf("%d: %q", n, got)
			}
		}
	}
}

// Every line that is written can be read, and says what net/http knows of the registry.
func TestStatusLinesAreValid(t *testing.T) {
	renamed := map[int]bool{302: true, 413: true, 414: true, 416: true, 418: true, 422: true} // RFC 9110 against net/http
	for status := 100; status < 600; status++ {
		text := StatusText(status)
		if known := http.StatusText(status); known != "" && known != text && !renamed[status] {
			t.Errorf("%d is %q, net/http has %q", status, text, known)
		}
		var r Response
		if err := r.Parse(append(AppendStatusLine(nil, status), CRLF...), &DefaultLimits); err != OK || r.Status != status {
			t.Errorf("%d reads back as %d, %v", status, r.Status, err)
		}
		if got := string(r.Bytes(r.Reason)); got != text {
			t.Errorf("%d: the reason reads back as %q", status, got)
		}
	}
	if StatusText(99) != "" || StatusText(600) != "" || StatusText(-1) != "" {
		t.Error("a status out of range has a text")
	}
}
