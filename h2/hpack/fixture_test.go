package hpack

import (
	"bytes"
	"testing"

	xhpack "golang.org/x/net/http2/hpack"
)

// pair is a field as tests write it.
type pair struct{ name, value string }

// browserFields is what a browser sends for a resource of a page.
var browserFields = []pair{
	{":method", "GET"},
	{":authority", "www.example.com"},
	{":scheme", "https"},
	{":path", "/assets/js/app.4f3a9c1d.js?v=20260101"},
	{"sec-ch-ua", `"Chromium";v="130", "Google Chrome";v="130", "Not?A_Brand";v="99"`},
	{"sec-ch-ua-mobile", "?0"},
	{"sec-ch-ua-platform", `"Linux"`},
	{"user-agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36"},
	{"accept", "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8"},
	{"sec-fetch-site", "same-origin"},
	{"sec-fetch-mode", "no-cors"},
	{"sec-fetch-dest", "script"},
	{"referer", "https://www.example.com/index.html"},
	{"accept-encoding", "gzip, deflate, br, zstd"},
	{"accept-language", "en-US,en;q=0.9"},
	{"cookie", "session=3f2b7a90c1d84e6f; theme=dark; _ga=GA1.2.1234567890.1700000000"},
	{"priority", "u=1"},
}

// browserBlocks is the first request of a connection, and a later one, which has all but its path in the table.
func browserBlocks() (first, later []byte) {
	var b bytes.Buffer
	e := xhpack.NewEncoder(&b)
	request := func(path string, sensitive bool) []byte {
		b.Reset()
		for _, f := range browserFields {
			hf := xhpack.HeaderField{Name: f.name, Value: f.value}
			if f.name == ":path" {
				hf.Value, hf.Sensitive = path, sensitive
			}
			if err := e.WriteField(hf); err != nil {
				panic(err)
			}
		}
		return bytes.Clone(b.Bytes())
	}
	first = request(browserFields[3].value, false)
	return first, request("/api/v1/items/12345?x=1", true)
}

// decodeAll decodes a whole block.
func decodeAll(d *Decoder, block []byte) (fields []pair, err Error) {
	var f Field
	d.Begin()
	for len(block) > 0 {
		n, err := d.Next(block, &f)
		if err != OK {
			return fields, err
		}
		if n == 0 {
			return fields, errTruncated
		}
		if f.Line != nil {
			fields = append(fields, pair{string(f.Name()), string(f.Value())})
		}
		block = block[n:]
	}
	return fields, OK
}

// errTruncated is what decodeAll calls a block that ends within a field.
const errTruncated = numErrors

// mustDecode fails the test if a block cannot be decoded.
func mustDecode(t testing.TB, d *Decoder, block []byte) []pair {
	t.Helper()
	fields, err := decodeAll(d, block)
	if err != OK {
		t.Fatalf("%x: %v", block, err)
	}
	return fields
}
