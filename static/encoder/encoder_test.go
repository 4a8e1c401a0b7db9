package encoder

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/anygate/anygate/static/coding"
)

var codings = []coding.Coding{coding.Brotli, coding.Zstd, coding.Gzip}

// prose is text with the repetitions of a script or a page.
func prose(n int) []byte {
	random := rand.New(rand.NewPCG(1, 2))
	words := []string{"function", "return", "const", "export", "default", "=>", "{", "}", "(", ")", ";", "\n", "let", "value", "index", "<div>", "</div>"}
	var b bytes.Buffer
	for b.Len() < n {
		fmt.Fprintf(&b, "%s %x ", words[random.IntN(len(words))], random.IntN(1<<12))
	}
	return b.Bytes()[:n]
}

// encode codes content written in pieces.
func encode(t testing.TB, set *Set, content []byte, c coding.Coding, piece int) []byte {
	t.Helper()
	var b bytes.Buffer
	e := set.Encoder(&b, c, int64(len(content)))
	for rest := content; len(rest) > 0; {
		n, err := e.Write(rest[:min(piece, len(rest))])
		if err != nil {
			t.Fatal(err)
		}
		rest = rest[n:]
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestRoundTrip(t *testing.T) {
	for _, c := range codings {
		for _, level := range []Level{Fast, Good, Best} {
			set := NewSet(level)
			for _, size := range []int{0, 1, 1000, 70_000, 300_000} {
				t.Run(fmt.Sprintf("%v level %d size %d", c, level, size), func(t *testing.T) {
					content := prose(size)
					coded := encode(t, set, content, c, 1<<20)
					if size >= 1000 && !coding.Pays(int64(size), int64(len(coded))) {
						t.Errorf("%d bytes became %d", size, len(coded))
					}
					r, err := NewReader(bytes.NewReader(coded), c)
					if err != nil {
						t.Fatal(err)
					}
					defer r.Close()
					got, err := io.ReadAll(r)
					if err != nil || !bytes.Equal(got, content) {
						t.Errorf("decoded to %d bytes, %v", len(got), err)
					}
				})
			}
		}
	}
}

// TestSameContentSameBytes codes in different pieces, and with a fresh encoder and a used one.
func TestSameContentSameBytes(t *testing.T) {
	content := prose(100_000)
	for _, c := range codings {
		for _, level := range []Level{Fast, Good, Best} {
			want := encode(t, NewSet(level), content, c, len(content))
			set := NewSet(level)
			for _, piece := range []int{len(content), 32 << 10, 64 << 10} {
				if !bytes.Equal(encode(t, set, content, c, piece), want) {
					t.Errorf("%v level %d in pieces of %d differs", c, level, piece)
				}
			}
		}
	}
}

// TestGzipNamesNothing looks at the header: no flags, no time, an unknown system.
func TestGzipNamesNothing(t *testing.T) {
	b := encode(t, NewSet(Fast), prose(1000), coding.Gzip, 1000)
	if !bytes.Equal(b[:8], []byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0}) || b[9] != 255 {
		t.Errorf("header % x", b[:10])
	}
}

func BenchmarkEncode(b *testing.B) {
	for _, c := range codings {
		for _, level := range []Level{Fast, Good, Best} {
			for _, size := range []int{8 << 10, 512 << 10} {
				content := prose(size)
				b.Run(fmt.Sprintf("%v/level%d/%dKiB", c, level, size>>10), func(b *testing.B) {
					b.SetBytes(int64(size))
					b.ReportAllocs()
					coded := 0
					set := NewSet(level)
					for b.Loop() {
						coded = len(encode(b, set, content, c, 32<<10))
					}
					b.ReportMetric(float64(coded)/float64(size), "ratio")
				})
			}
		}
	}
}
