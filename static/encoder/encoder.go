package encoder

import (
	"io"
	"time"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/anygate/anygate/static/coding"
)

// Level says how much time is spent on how many bytes.
type Level uint8

const (
	// Fast is for coding while serving: tens of megabytes of text a second.
	Fast Level = iota
	// Good takes about five times as long.
	Good
	// Best is for what is coded once and sent for months: half a megabyte a second
	// with brotli.
	Best
)

// The encoders' own levels.
var (
	brotliLevels = [...]int{Fast: 5, Good: 9, Best: 11}
	zstdLevels   = [...]zstd.EncoderLevel{Fast: zstd.SpeedDefault, Good: zstd.SpeedBetterCompression, Best: zstd.SpeedBestCompression}
	gzipLevels   = [...]int{Fast: 6, Good: 8, Best: 9}
)

// A window as large as the content finds every repetition; a larger one only
// takes memory, here and in each client. There are few sizes, so that encoders
// can be used again. RFC 9659 allows 8 MiB for Zstandard, RFC 7932 16 MiB for brotli.
var windows = [...]int{16, 20, 24} // logarithms to base 2

const (
	mostZstd     = 23
	mostBrotli   = 24
	mostWhenFast = 22
)

// encoder is what the three have in common.
type encoder interface {
	io.WriteCloser
	Reset(io.Writer)
}

// Set is the encoders of one goroutine, kept for the next content: a large part of the
// time that a short one takes is making the tables.
type Set struct {
	level Level
	kept  [coding.Count][len(windows)]encoder
}

// NewSet makes an empty set.
func NewSet(level Level) *Set { return &Set{level: level} }

// Encoder returns an encoder that writes to w, to be closed before the next is
// asked for. size is how much content there will be; it need not be exact.
func (s *Set) Encoder(w io.Writer, c coding.Coding, size int64) io.WriteCloser {
	class := 0
	for class < len(windows)-1 && size > 1<<windows[class] {
		class++
	}
	e := s.kept[c][class]
	if e == nil {
		e = newEncoder(c, s.level, windows[class])
		s.kept[c][class] = e
	}
	e.Reset(w)
	if z, ok := e.(*gzip.Writer); ok {
		// The zero time would be written as some second of 2042.
		z.ModTime = time.Unix(0, 0)
	}
	return e
}

// newEncoder makes an encoder that Reset completes.
func newEncoder(c coding.Coding, level Level, window int) encoder {
	if level == Fast {
		window = min(window, mostWhenFast)
	}
	switch c {
	case coding.Brotli:
		return brotli.NewWriterOptions(nil, brotli.WriterOptions{Quality: brotliLevels[level], LGWin: min(window, mostBrotli)})
	case coding.Zstd:
		e, err := zstd.NewWriter(
			nil, zstd.WithEncoderLevel(zstdLevels[level]), zstd.WithWindowSize(1<<min(window, mostZstd)),
			zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true),
		)
		if err != nil {
			panic("encoder: " + err.Error())
		}
		return e
	case coding.Gzip:
		e, err := gzip.NewWriterLevel(nil, gzipLevels[level])
		if err != nil {
			panic("encoder: " + err.Error())
		}
		return e
	}
	panic("encoder: identity is not encoded")
}

// NewReader decodes what an encoder wrote.
func NewReader(r io.Reader, c coding.Coding) (io.ReadCloser, error) {
	switch c {
	case coding.Brotli:
		return io.NopCloser(brotli.NewReader(r)), nil
	case coding.Zstd:
		d, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(1<<mostZstd))
		if err != nil {
			return nil, err
		}
		return d.IOReadCloser(), nil
	case coding.Gzip:
		return gzip.NewReader(r)
	}
	return io.NopCloser(r), nil
}

// Revision is raised whenever the same content would be coded to other bytes than
// before, by another setting or another version of an encoder: what was coded with an
// earlier one is then coded again.
const Revision = 1
