package static

import (
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"strings"
	"testing"
)

// parts reads a multipart/byteranges answer with the standard library's reader, as
// "CONTENT-RANGE|CONTENT-TYPE|CONTENT".
func parts(t *testing.T, a *Answer) []string {
	t.Helper()
	media, parameters, err := mime.ParseMediaType(field(a, "Content-Type"))
	if err != nil || media != "multipart/byteranges" {
		t.Fatalf("Content-Type %q, %v", field(a, "Content-Type"), err)
	}
	var got []string
	for r := multipart.NewReader(strings.NewReader(body(t, a)), parameters["boundary"]); ; {
		p, err := r.NextRawPart()
		if err == io.EOF {
			return got
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(p)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, p.Header.Get("Content-Range")+"|"+p.Header.Get("Content-Type")+"|"+string(content))
	}
}

func TestParts(t *testing.T) {
	big := strings.Repeat("0123456789", 10_000)
	f := newFixture(t, Options{}, map[string]string{"small.txt": big[:1000], "big.txt": big})
	for path, content := range map[string]string{"/small.txt": big[:1000], "/big.txt": big} {
		size := map[string]string{"/small.txt": "1000", "/big.txt": "100000"}[path]
		end := map[string]string{"/small.txt": "998-999", "/big.txt": "99998-99999"}[path]
		t.Run(path, func(t *testing.T) {
			a := f.serve(Request{GET: true, Path: []byte(path), Range: []byte("bytes=500-502,-2,0-1,10-11")})
			if a.Status != 206 || field(a, "Content-Range") != "" {
				t.Errorf("status %d, %q", a.Status, a.Block)
			}
			const text = "|text/plain; charset=utf-8|"
			want := []string{
				"bytes 500-502/" + size + text + content[500:503],
				"bytes " + end + "/" + size + text + "89",
				"bytes 0-11/" + size + text + content[:12],
			}
			if got := parts(t, a); strings.Join(got, "\n") != strings.Join(want, "\n") {
				t.Errorf("parts\n%q\nwant\n%q", got, want)
			}
			for _, name := range []string{"ETag", "Last-Modified", "Accept-Ranges", "X-Content-Type-Options"} {
				if field(a, name) == "" {
					t.Errorf("no %s", name)
				}
			}
		})
	}
}

// TestPartsLiterally spells an answer out.
func TestPartsLiterally(t *testing.T) {
	f := newFixture(t, Options{}, map[string]string{"a.json": strings.Repeat("x", 300) + "end"})
	a := f.serve(Request{GET: true, Path: []byte("/a.json"), Range: []byte("bytes=0-1,-3")})
	_, boundary, _ := strings.Cut(field(a, "Content-Type"), "boundary=")
	if len(boundary) != boundarySize {
		t.Fatalf("boundary %q", boundary)
	}
	want := "--B\r\nContent-Type: application/json\r\nContent-Range: bytes 0-1/303\r\n\r\nxx" +
		"\r\n--B\r\nContent-Type: application/json\r\nContent-Range: bytes 300-302/303\r\n\r\nend" +
		"\r\n--B--\r\n"
	if got := strings.ReplaceAll(body(t, a), boundary, "B"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	b := f.serve(Request{GET: true, Path: []byte("/a.json"), Range: []byte("bytes=0-1,-3")})
	if strings.Contains(body(t, b), boundary) {
		t.Error("a boundary was used twice")
	}
}

// TestPartsAreNoAmplifier shows that many small ranges never make more than the
// content and the head of a part.
func TestPartsAreNoAmplifier(t *testing.T) {
	f := newFixture(t, Options{}, map[string]string{"a.txt": numbered(0, 10_000)})
	for _, step := range []int{1, 2, 100, 155, 157} {
		var set strings.Builder
		set.WriteString("bytes=")
		for i := range maxRanges {
			fmt.Fprintf(&set, "%d-%d,", i*step, i*step)
		}
		a := f.serve(Request{GET: true, Path: []byte("/a.txt"), Range: []byte(set.String())})
		if a.Status != 206 || a.Length > 10_000 {
			t.Errorf("status %d, %d octets for %d ranges, %d apart", a.Status, a.Length, maxRanges, step)
		}
	}
}

func TestPartsOfHead(t *testing.T) {
	f := newFixture(t, Options{}, map[string]string{"a.txt": numbered(0, 10_000)})
	a := f.serve(Request{HEAD: true, Path: []byte("/a.txt"), Range: []byte("bytes=0-1,5000-5001")})
	if a.Status != 200 || a.Length != 10_000 {
		t.Errorf("status %d, length %d", a.Status, a.Length)
	}
}
