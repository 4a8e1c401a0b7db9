package control

import (
	"compress/gzip"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/anygate/anygate/config"
)

// TestFormsAreMade asks a server for a page until it comes coded.
func TestFormsAreMade(t *testing.T) {
	page := strings.Repeat("<p>a line of a page</p>\n", 1000)
	dir := t.TempDir()
	write(t, dir, "index.html", page)
	engines(t, func(t *testing.T, engine string) {
		r := start(t, dir, "listen: 127.0.0.1:0\nserver: {shards: 2, engine: "+engine+"}\nroutes: {\"/\": ./}\n")
		// A transport of its own, which does not decode.
		transport := &http.Transport{DisableCompression: true}
		defer transport.CloseIdleConnections()
		ask := func() *http.Response {
			t.Helper()
			q, err := http.NewRequest("GET", "http://"+r.Addresses()[0]+"/", nil)
			if err != nil {
				t.Fatal(err)
			}
			q.Header.Set("Accept-Encoding", "gzip")
			a, err := transport.RoundTrip(q)
			if err != nil {
				t.Fatal(err)
			}
			return a
		}
		begun := time.Now()
		for {
			a := ask()
			coded := a.Header.Get("Content-Encoding") == "gzip"
			content := io.Reader(a.Body)
			if coded {
				z, err := gzip.NewReader(a.Body)
				if err != nil {
					t.Fatal(err)
				}
				content = z
			}
			got, err := io.ReadAll(content)
			a.Body.Close()
			if err != nil || string(got) != page || a.Header.Get("Vary") != "Accept-Encoding" {
				t.Fatalf("%d bytes, %v, %v", len(got), err, a.Header)
			}
			if coded {
				break
			}
			if time.Since(begun) > 20*time.Second {
				t.Fatalf("the page is never coded: %v", a.Header)
			}
			// A file is coded when it has not changed for two seconds.
			time.Sleep(20 * time.Millisecond)
		}
	})
}

func TestMemoryOfForms(t *testing.T) {
	tests := []struct {
		name   string
		text   string
		memory int64
		want   int64
	}{
		{"no site", `routes: {"/": OK}`, 8 << 30, 0},
		{"a site", `routes: {"/": ./}`, 8 << 30, maxFormBytes},
		{"little memory", `routes: {"/": ./}`, 64 << 20, 2 << 20},
		{"unknown memory", `routes: {"/": ./}`, 0, maxFormBytes},
		{"off", "static: {compress: off}\nroutes: {\"/\": ./}", 8 << 30, 0},
		{"only what lies beside the files", "static: {compress: precompressed}\nroutes: {\"/\": ./}", 8 << 30, 0},
		{"one of two", "static: {compress: off}\nroutes: {\"/\": ./, \"/a/\": {dir: ./, compress: on}}", 8 << 30, maxFormBytes},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, err := fit(parse(t, t.TempDir(), tt.text), resources{cpus: []int{0}, memory: tt.memory, descriptors: 10_000})
			if err != nil || s.forms != tt.want {
				t.Errorf("%d bytes, %v, want %d", s.forms, err, tt.want)
			}
		})
	}
}

// TestCompressReachesTheSite compiles each word.
func TestCompressReachesTheSite(t *testing.T) {
	for _, word := range []string{"on", "precompressed", "off"} {
		cfg := parse(t, t.TempDir(), "static: {compress: "+word+"}\nroutes: {\"/\": ./}")
		if got := cfg.Routes[0].Static.Compress; got != word {
			t.Errorf("%s is read as %q", word, got)
		}
	}
	var none config.Static
	if compress(none.Compress) != compress("on") || compress("off") == compress("on") || compress("precompressed") == compress("on") {
		t.Error("the words mean the same")
	}
}
