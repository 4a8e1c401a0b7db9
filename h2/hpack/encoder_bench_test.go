package hpack

import (
	"bytes"
	"strings"
	"testing"

	"github.com/anygate/anygate/http1"
	xhpack "golang.org/x/net/http2/hpack"
)

// benchLines is what a response has beside its status, date and length.
const benchLines = "Server: anygate\r\nContent-Type: text/html; charset=utf-8\r\nETag: \"5f3a-1b2c\"\r\n" +
	"Cache-Control: public, max-age=3600\r\nVary: Accept-Encoding\r\nX-Frame-Options: DENY\r\n"

var benchDate = []byte("Mon, 23 Nov 2026 02:00:00 GMT")

// BenchmarkEncoder encodes a response whose fields, but for its length, have come before.
func BenchmarkEncoder(b *testing.B) {
	e := NewEncoder(nil)
	lines := []byte(benchLines)
	var out []byte
	b.ReportAllocs()
	for b.Loop() {
		out = e.AppendStatus(e.Begin(out[:0]), 200)
		out = e.AppendKnown(out, http1.Date, benchDate)
		out = e.AppendContentLength(out, 12345)
		out = e.AppendBlock(out, lines)
	}
	b.ReportMetric(float64(len(out)), "B/block")
}

// BenchmarkEncoderWithoutTable encodes the same without a table.
func BenchmarkEncoderWithoutTable(b *testing.B) {
	var e *Encoder
	lines := []byte(benchLines)
	var out []byte
	b.ReportAllocs()
	for b.Loop() {
		out = e.AppendStatus(out[:0], 200)
		out = e.AppendKnown(out, http1.Date, benchDate)
		out = e.AppendContentLength(out, 12345)
		out = e.AppendBlock(out, lines)
	}
	b.ReportMetric(float64(len(out)), "B/block")
}

func BenchmarkXNetEncoder(b *testing.B) {
	var out bytes.Buffer
	e := xhpack.NewEncoder(&out)
	fields := []xhpack.HeaderField{{Name: ":status", Value: "200"}, {Name: "date", Value: string(benchDate)}, {Name: "content-length", Value: "12345"}}
	for line := range strings.Lines(benchLines) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		fields = append(fields, xhpack.HeaderField{Name: strings.ToLower(name), Value: value})
	}
	b.ReportAllocs()
	for b.Loop() {
		out.Reset()
		for _, f := range fields {
			if err := e.WriteField(f); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(out.Len()), "B/block")
}
