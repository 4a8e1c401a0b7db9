package trial

import (
	"bytes"
	"compress/gzip"
	"crypto/tls"
	"crypto/x509"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestSite(t *testing.T) {
	bench := &Bench{}
	if err := bench.Open(); err != nil {
		t.Fatal(err)
	}
	defer bench.Close()
	read := func(path string) []byte {
		t.Helper()
		path = filepath.Join(bench.root, path)
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if age := time.Since(info.ModTime()); age < time.Hour {
			t.Errorf("%s looks %v old", path, age)
		}
		return content
	}
	for name, size := range files {
		if got := len(read(name)); got != size {
			t.Errorf("%s has %d bytes, not %d", name, got, size)
		}
	}
	form := read(PrecompressedPath + ".gz")
	if len(form) != FormSize {
		t.Errorf("the form has %d bytes", len(form))
	}
	changed := func(path string) time.Time {
		t.Helper()
		info, err := os.Stat(filepath.Join(bench.root, path))
		if err != nil {
			t.Fatal(err)
		}
		return info.ModTime()
	}
	if file, form := changed(PrecompressedPath), changed(PrecompressedPath+".gz"); !file.Equal(form) {
		t.Errorf("the file is of %v, its form of %v", file, form)
	}
	reader, err := gzip.NewReader(bytes.NewReader(form))
	if err != nil {
		t.Fatal(err)
	}
	if content, err := io.ReadAll(reader); err != nil || !bytes.Equal(content, read(PrecompressedPath)) {
		t.Errorf("the form is that of %d other bytes, %v", len(content), err)
	}
	if got := len(read(CodingPath)); got != codingSize {
		t.Errorf("%s has %d bytes", CodingPath, got)
	}
	path, err := bench.plain(12345)
	if err != nil {
		t.Fatal(err)
	}
	if got := len(read(path)); got != 12345 {
		t.Errorf("the plain file has %d bytes", got)
	}
}

func TestCertificate(t *testing.T) {
	bench := &Bench{}
	if err := bench.Open(); err != nil {
		t.Fatal(err)
	}
	defer bench.Close()
	for kind, algorithm := range map[Key]x509.PublicKeyAlgorithm{ECDSA: x509.ECDSA, RSA: x509.RSA} {
		files, err := bench.certificate(kind)
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range []string{files.key, files.bundle} {
			loaded, err := tls.LoadX509KeyPair(files.certificate, key)
			if err != nil {
				t.Fatal(err)
			}
			if got := loaded.Leaf.PublicKeyAlgorithm; got != algorithm {
				t.Errorf("%s: the key is %v", kind, got)
			}
			for _, name := range []string{serverName, "127.0.0.1"} {
				if err := loaded.Leaf.VerifyHostname(name); err != nil {
					t.Error(err)
				}
			}
		}
		again, err := bench.certificate(kind)
		if err != nil || again != files {
			t.Errorf("a second time: %+v, %v", again, err)
		}
	}
}
