package http1

import (
	"bufio"
	"bytes"
	"strings"
	"testing"

	"github.com/valyala/fasthttp"
)

// benchRequests is the corpus on which the parser is compared with fasthttp's.
var benchRequests = []struct{ name, in string }{
	{"curl", "GET /index.html HTTP/1.1\r\nHost: www.example.com\r\nUser-Agent: curl/7.88.1\r\nAccept: */*\r\n\r\n"},
	{"browser", browserRequest("")},
	{"cookie", browserRequest("Cookie: " + strings.Repeat("session=0123456789abcdef; ", 160) + "end=1\r\n")},
}

func browserRequest(more string) string {
	return "GET /assets/app-5f3c2a1b.js?v=17&lang=en HTTP/1.1\r\n" +
		"Host: www.example.com\r\n" +
		"Connection: keep-alive\r\n" +
		"sec-ch-ua: \"Chromium\";v=\"126\", \"Not-A.Brand\";v=\"99\"\r\n" +
		"sec-ch-ua-mobile: ?0\r\n" +
		"User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36\r\n" +
		"sec-ch-ua-platform: \"Linux\"\r\n" +
		"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\n" +
		"Sec-Fetch-Site: same-origin\r\n" +
		"Sec-Fetch-Mode: no-cors\r\n" +
		"Sec-Fetch-Dest: script\r\n" +
		"Referer: https://www.example.com/\r\n" +
		"Accept-Encoding: gzip, deflate, br, zstd\r\n" +
		"Accept-Language: en-GB,en;q=0.9,de;q=0.8\r\n" +
		more + "\r\n"
}

const benchResponse = "HTTP/1.1 200 OK\r\nServer: nginx\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n" +
	"Content-Type: application/json\r\nContent-Length: 1234\r\nConnection: keep-alive\r\n" +
	"Cache-Control: no-store\r\nETag: \"5f3c2a1b\"\r\nVary: Accept-Encoding\r\n\r\n"

func BenchmarkRequest(b *testing.B) {
	for _, bb := range benchRequests {
		in := []byte(bb.in)
		b.Run(bb.name, func(b *testing.B) {
			var r Request
			b.SetBytes(int64(len(in)))
			b.ReportAllocs()
			for b.Loop() {
				if n, err := r.Scan(in, &DefaultLimits); n != len(in) || err != OK {
					b.Fatal(n, err)
				}
			}
		})
	}
}

// BenchmarkRequestInParts is a head that arrives in two pieces, so that it is scanned, waited for and parsed.
func BenchmarkRequestInParts(b *testing.B) {
	for _, bb := range benchRequests {
		in := []byte(bb.in)
		b.Run(bb.name, func(b *testing.B) {
			var r Request
			half := len(in) / 2
			b.SetBytes(int64(len(in)))
			for b.Loop() {
				if n, err := r.Scan(in[:half], &DefaultLimits); n != 0 || err != OK {
					b.Fatal(n, err)
				}
				if end := HeadEnd(in, half); end != len(in) {
					b.Fatal(end)
				}
				if err := r.Parse(in, &DefaultLimits); err != OK {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkFasthttpRequest is the bar. fasthttp's parser is reached only through a bufio.Reader; the cost of that is
// BenchmarkFasthttpReader, to be subtracted.
func BenchmarkFasthttpRequest(b *testing.B) {
	for _, bb := range benchRequests {
		in := []byte(bb.in)
		b.Run(bb.name, func(b *testing.B) {
			var h fasthttp.RequestHeader
			src := bytes.NewReader(in)
			br := bufio.NewReaderSize(src, 16<<10)
			b.SetBytes(int64(len(in)))
			b.ReportAllocs()
			for b.Loop() {
				src.Reset(in)
				br.Reset(src)
				if err := h.Read(br); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkFasthttpReader(b *testing.B) {
	for _, bb := range benchRequests {
		in := []byte(bb.in)
		b.Run(bb.name, func(b *testing.B) {
			src := bytes.NewReader(in)
			br := bufio.NewReaderSize(src, 16<<10)
			for b.Loop() {
				src.Reset(in)
				br.Reset(src)
				if _, err := br.Peek(len(in)); err != nil {
					b.Fatal(err)
				}
				if _, err := br.Discard(len(in)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkResponse(b *testing.B) {
	in := []byte(benchResponse)
	var r Response
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		if n, err := r.Scan(in, &DefaultLimits); n != len(in) || err != OK {
			b.Fatal(n, err)
		}
	}
}

func BenchmarkFasthttpResponse(b *testing.B) {
	in := []byte(benchResponse)
	var h fasthttp.ResponseHeader
	src := bytes.NewReader(in)
	br := bufio.NewReaderSize(src, 16<<10)
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		src.Reset(in)
		br.Reset(src)
		if err := h.Read(br); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkChunkedBody decodes 64 KiB of content in chunks of 4 KiB, as it comes from one read.
func BenchmarkChunkedBody(b *testing.B) {
	var in []byte
	for range 16 {
		in = AppendChunkHeader(in, 4096)
		in = append(in, make([]byte, 4096)...)
		in = append(in, CRLF...)
	}
	in = append(in, LastChunk...)
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		var d Body
		d.Reset(BodyChunked, -1, &DefaultLimits)
		for rest := in; ; {
			_, n, done, err := d.Next(rest)
			if err != OK || n == 0 {
				b.Fatal(n, err)
			}
			if rest = rest[n:]; done {
				break
			}
		}
	}
}

func BenchmarkParseDate(b *testing.B) {
	in := []byte("Sun, 06 Nov 1994 08:49:37 GMT")
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := ParseDate(in); !ok {
			b.Fatal("refused")
		}
	}
}
