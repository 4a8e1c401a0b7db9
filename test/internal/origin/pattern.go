package origin

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
)

// blockSize is the length of the Pattern's blocks. It is no power of two, so that octets lost or repeated by the buffer
// never go unnoticed.
const blockSize = 1<<16 + 24

// A block is the same pseudo-random octets each time, with the number of the block at the beginning.
var block = func() []byte {
	b := make([]byte, blockSize)
	x := uint64(0x9E3779B97F4A7C15)
	for i := range b {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		b[i] = byte(x >> 56)
	}
	return b
}()

// at returns the Pattern's octets from an offset to the end of its block.
func at(b []byte, off int64) []byte {
	binary.BigEndian.PutUint64(b, uint64(off/blockSize))
	return b[off%blockSize:]
}

// NewPattern reads the first size octets of the Pattern: content of any length that is made, not stored, and tells where
// each part belongs.
func NewPattern(size int64) io.Reader { return &pattern{block: bytes.Clone(block), size: size} }

type pattern struct {
	block     []byte
	off, size int64
}

func (p *pattern) Read(dst []byte) (int, error) {
	if p.off == p.size {
		return 0, io.EOF
	}
	n := copy(dst[:min(int64(len(dst)), p.size-p.off)], at(p.block, p.off))
	p.off += int64(n)
	return n, nil
}

// Checker takes the Pattern and fails at the first octet that differs.
type Checker struct {
	block []byte
	off   int64
}

func (c *Checker) Write(p []byte) (int, error) {
	if c.block == nil {
		c.block = bytes.Clone(block)
	}
	for done := 0; done < len(p); {
		want := at(c.block, c.off)
		n := min(len(want), len(p)-done)
		if !bytes.Equal(p[done:done+n], want[:n]) {
			return done, fmt.Errorf("content differs between octets %d and %d", c.off, c.off+int64(n))
		}
		done += n
		c.off += int64(n)
	}
	return len(p), nil
}

// Length is how many octets were right.
func (c *Checker) Length() int64 { return c.off }
