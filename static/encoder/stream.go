package encoder

import (
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/anygate/anygate/static/coding"
)

// Streamed are the codings that content can be coded with as it passes by. Brotli is none of them: at a speed that does
// not hold up a loop its result is no smaller than theirs.
const Streamed = coding.Set(1<<coding.Zstd | 1<<coding.Gzip)

// streamWindow is how far a stream looks back. A Zstandard stream takes about three times as much memory, one of gzip,
// which looks back 32 KiB, about one MiB for its tables.
const streamWindow = 128 << 10

// Stream codes content of any length piece by piece.
type Stream interface {
	io.WriteCloser
	// Flush writes what the decoder needs to have all that was written so far.
	Flush() error
	Reset(io.Writer)
}

// Streams are the streams of one goroutine, kept for the next content.
type Streams struct {
	free [coding.Count][]Stream
	used int
	most int
}

// NewStreams makes an empty set, of which so many may be in use at a time.
func NewStreams(most int) *Streams { return &Streams{most: most} }

// Get returns a stream that writes to w; nil if too many are in use.
func (s *Streams) Get(c coding.Coding, w io.Writer) Stream {
	if s.used >= s.most {
		return nil
	}
	s.used++
	if n := len(s.free[c]); n > 0 {
		e := s.free[c][n-1]
		s.free[c] = s.free[c][:n-1]
		e.Reset(w)
		return e
	}
	if c == coding.Zstd {
		e, err := zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithWindowSize(streamWindow),
			zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true))
		if err != nil {
			panic("encoder: " + err.Error())
		}
		return e
	}
	e, err := gzip.NewWriterLevel(w, gzip.BestSpeed)
	if err != nil {
		panic("encoder: " + err.Error())
	}
	return e
}

// Put takes a stream back, wherever it stands. It keeps some for the next.
func (s *Streams) Put(c coding.Coding, e Stream) {
	s.used--
	e.Reset(nil)
	if len(s.free[c]) < keptStreams {
		s.free[c] = append(s.free[c], e)
	}
}

// keptStreams is how many streams of a coding are kept while nobody uses them.
const keptStreams = 16

// Used is how many streams are in use.
func (s *Streams) Used() int { return s.used }
