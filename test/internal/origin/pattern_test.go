package origin

import (
	"bytes"
	"io"
	"testing"
)

func TestPatternPassesChecker(t *testing.T) {
	const size = 5*blockSize + 17
	var c Checker
	if n, err := io.CopyBuffer(&c, io.LimitReader(NewPattern(size), size), make([]byte, 1000)); n != size || err != nil {
		t.Fatalf("copied %d: %v", n, err)
	}
	if c.Length() != size {
		t.Errorf("length %d, want %d", c.Length(), size)
	}
}

func TestCheckerSeesFaults(t *testing.T) {
	whole, err := io.ReadAll(NewPattern(3 * blockSize))
	if err != nil {
		t.Fatal(err)
	}
	for name, faulty := range map[string][]byte{
		"an octet changed":      func() []byte { b := bytes.Clone(whole); b[2*blockSize+5]++; return b }(),
		"an octet lost":         append(bytes.Clone(whole[:100]), whole[101:]...),
		"a block lost":          append(bytes.Clone(whole[:blockSize]), whole[2*blockSize:]...),
		"a block repeated":      append(bytes.Clone(whole[:blockSize]), whole...),
		"two blocks exchanged":  append(append(bytes.Clone(whole[:blockSize]), whole[2*blockSize:]...), whole[blockSize:2*blockSize]...),
		"64 KiB lost somewhere": append(bytes.Clone(whole[:77]), whole[77+1<<16:]...),
	} {
		t.Run(name, func(t *testing.T) {
			var c Checker
			if _, err := c.Write(faulty); err == nil {
				t.Error("the checker has not noticed")
			}
		})
	}
}
