package trial

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Sizes of the site's files.
const (
	KiB = 1 << 10
	MiB = 1 << 20
)

// files are what every peer serves below its root.
var files = map[string]int{
	"static/1k.txt":  1 * KiB,
	"static/16k.txt": 16 * KiB,
	"static/64k.bin": 64 * KiB,
	"static/10m.bin": 10 * MiB,
	"proxy/64k":      64 * KiB,
}

// Files that have a coded form: one beside it, and one that servers have to make themselves.
const (
	PrecompressedPath = "/coded/ready.txt"
	CodingPath        = "/coded/64k.txt"

	// FormSize is the size of the form that lies beside a file.
	FormSize = 1 * KiB

	precompressedSize = 4 * KiB
	codingSize        = 64 * KiB
)

// layOut writes all files of the site. They all look a day old: no server need wait and see whether they change again, and
// no form looks older than its file.
func layOut(root string) error {
	ready := words(precompressedSize, 16)
	form, err := gzipOf(ready, FormSize)
	if err != nil {
		return err
	}
	contents := map[string][]byte{
		"fixed":                   []byte("OK"),
		PrecompressedPath:         ready,
		PrecompressedPath + ".gz": form,
		CodingPath:                words(codingSize, 800),
	}
	for name, size := range files {
		contents[name] = []byte(strings.Repeat("AnyGate serves this line over and over again, all day.\n", size/50)[:size])
	}
	changed := yesterday()
	for name, content := range contents {
		if err := place(filepath.Join(root, name), content, changed); err != nil {
			return err
		}
	}
	return nil
}

func yesterday() time.Time { return time.Now().AddDate(0, 0, -1) }

// place writes a file that looks as if it was last changed then, and the folders above it.
func place(path string, content []byte, changed time.Time) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(path, content, 0o644); err != nil {
		return err
	}
	return os.Chtimes(path, changed, changed)
}

// plain makes a file of that size below /static/ and returns its path on servers.
func (b *Bench) plain(size int64) (string, error) {
	path := fmt.Sprintf("/static/plain-%d.txt", size)
	return path, place(filepath.Join(b.root, path), words(int(size), 800), yesterday())
}

// words is text that compresses as prose and scripts do, the same for the same numbers: that many words, the first of them
// far more frequent than the last.
func words(size, different int) []byte {
	random := rand.New(rand.NewPCG(1, 2))
	vocabulary := make([]string, different)
	for i := range vocabulary {
		word := make([]byte, 2+random.IntN(8))
		for j := range word {
			word[j] = byte('a' + random.IntN(26))
		}
		vocabulary[i] = string(word)
	}
	var text []byte
	for len(text) < size {
		share := random.Float64()
		text = append(text, vocabulary[int(share*share*float64(different))]...)
		text = append(text, " \n"[random.IntN(12)/11])
	}
	return text[:size]
}

// gzipOf returns a gzip form of exactly that size, filled up by a comment in its header (RFC 1952, section 2.3.1), so that
// it can be compared with a file of that size.
func gzipOf(content []byte, size int) ([]byte, error) {
	form := func(comment string) ([]byte, error) {
		var out bytes.Buffer
		writer, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
		if err != nil {
			return nil, err
		}
		writer.Comment = comment
		if _, err := writer.Write(content); err != nil {
			return nil, err
		}
		if err := writer.Close(); err != nil {
			return nil, err
		}
		return out.Bytes(), nil
	}
	shortest, err := form("")
	if err != nil {
		return nil, err
	}
	// The comment ends with an octet of its own.
	missing := size - len(shortest) - 1
	if missing < 1 {
		return nil, fmt.Errorf("the shortest form of %d bytes has %d, not %d", len(content), len(shortest), size)
	}
	return form(strings.Repeat("-", missing))
}
