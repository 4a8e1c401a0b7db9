package encoder

import (
	"bytes"
	"io"
	"testing"

	"github.com/anygate/anygate/static/coding"
)

func TestStreams(t *testing.T) {
	for _, c := range []coding.Coding{coding.Zstd, coding.Gzip} {
		s := NewStreams(2)
		text := prose(300_000)
		// The second one has been used before, and broken off.
		for range 2 {
			var out bytes.Buffer
			e := s.Get(c, &out)
			for rest := text; len(rest) > 0; {
				n := min(7000, len(rest))
				if _, err := e.Write(rest[:n]); err != nil {
					t.Fatal(err)
				}
				rest = rest[n:]
				had := out.Len()
				if err := e.Flush(); err != nil || out.Len() == had {
					t.Fatalf("%v: a flush wrote %d bytes, %v", c, out.Len()-had, err)
				}
			}
			if err := e.Close(); err != nil {
				t.Fatal(err)
			}
			s.Put(c, e)
			r, err := NewReader(&out, c)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, text) {
				t.Fatalf("%v: decoded to %d bytes, %v", c, len(got), err)
			}
			broken := s.Get(c, io.Discard)
			_, _ = broken.Write(text[:1000])
			s.Put(c, broken)
		}
		first, second := s.Get(c, io.Discard), s.Get(c, io.Discard)
		if s.Get(c, io.Discard) != nil || s.Used() != 2 {
			t.Errorf("%v: more streams than there may be", c)
		}
		s.Put(c, first)
		s.Put(c, second)
	}
}

// BenchmarkStream is the time that a piece of 16 KiB holds up whoever codes it.
func BenchmarkStream(b *testing.B) {
	text := prose(1 << 20)
	for _, c := range []coding.Coding{coding.Zstd, coding.Gzip} {
		b.Run(c.String(), func(b *testing.B) {
			s := NewStreams(1)
			e := s.Get(c, io.Discard)
			b.SetBytes(16 << 10)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				at := i % 64 * (16 << 10)
				_, _ = e.Write(text[at : at+16<<10])
				_ = e.Flush()
			}
			s.Put(c, e)
		})
	}
}
