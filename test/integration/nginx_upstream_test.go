package integration

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anygate/anygate/test/internal/peer"
	"github.com/anygate/anygate/test/internal/product"
)

// Peers: curl before, nginx behind.
func TestNginxUpstream(t *testing.T) {
	eachEngineParallel(t, func(t *testing.T, e product.Engine) {
		root := writeSite(t, map[string]string{
			"small.txt":   "small",
			"64k.bin":     digits(64 << 10),
			"large.txt":   digits(500_000),
			"page.html":   "<!doctype html>" + strings.Repeat("<p>text</p>", 5000),
			"empty.txt":   "",
			"included.js": "included",
		})
		nginx := peer.StartNginx(t, root, "gzip on; gzip_types text/plain; gzip_proxied any; gzip_vary on;", `
			location /status/ { return 418 "from nginx"; }
			location /redirect { return 302 /elsewhere; }
			location /close/ { alias `+root+`/; keepalive_timeout 0; }
			location /old/ { alias `+root+`/; chunked_transfer_encoding off; ssi on; ssi_types text/plain application/octet-stream; }
			location /chunked/ { alias `+root+`/; ssi on; ssi_types text/plain application/octet-stream; }
			location /drop { return 444; }
			location /limited { client_max_body_size 10; root `+root+`; }
			location /headers { add_header X-Seen "$http_x_forwarded_for|$http_x_forwarded_proto|$http_via|$host|$request_uri|$http_connection"; return 200 ok; }
		`)
		s := product.Start(t, product.Config{Engine: e, Text: "routes:\n  /up/: http://" + nginx.Addr + "/\n"})
		check(t, s, []expectation{
			{"small", "/up/small.txt", 200, map[string]string{"Content-Length": "5", "Content-Type": "text/plain; charset=utf-8", "Last-Modified": "Sun, 01 Mar 2026 12:00:00 GMT", "ETag": "~\""}, text("small")},
			{"64 KiB", "/up/64k.bin", 200, map[string]string{"Content-Length": "65536"}, text(digits(64 << 10))},
			{"large", "/up/large.txt", 200, map[string]string{"Content-Length": "500000"}, text(digits(500_000))},
			{"empty", "/up/empty.txt", 200, map[string]string{"Content-Length": "0"}, text("")},
			{"HEAD", "-I /up/large.txt", 200, map[string]string{"Content-Length": "500000"}, text("")},
			{"gzip is passed on", "--compressed /up/page.html", 200, map[string]string{"Content-Encoding": "gzip", "Vary": "~Accept-Encoding"}, text("~<p>text</p>")},
			{"chunked", "/up/chunked/64k.bin", 200, map[string]string{"Transfer-Encoding": "chunked", "Content-Length": ""}, text(digits(64 << 10))},
			{"until the end of the connection", "/up/old/64k.bin", 200, map[string]string{"Transfer-Encoding": "chunked"}, text(digits(64 << 10))},
			{"until the end, to HTTP/1.0", "--http1.0 /up/old/64k.bin", 200, map[string]string{"Transfer-Encoding": "", "Connection": "close"}, text(digits(64 << 10))},
			{"without keep-alive", "/up/close/small.txt", 200, nil, text("small")},
			{"range", "-r 10-14 /up/large.txt", 206, map[string]string{"Content-Range": "bytes 10-14/500000"}, text("01234")},
			{"suffix", "-r -2 /up/large.txt", 206, nil, text("89")},
			{"several ranges", "-r 0-1,5-6 /up/large.txt", 206, map[string]string{"Content-Type": "~multipart/byteranges"}, nil},
			{"range outside", "-r 900000- /up/large.txt", 416, map[string]string{"Content-Range": "bytes */500000"}, nil},
			{"not modified", "-H 'If-Modified-Since: Sun, 01 Mar 2026 12:00:00 GMT' /up/small.txt", 304, map[string]string{"ETag": "~\""}, text("")},
			{"other status", "/up/status/x", 418, nil, text("from nginx")},
			{"redirect", "/up/redirect", 302, map[string]string{"Location": "~/elsewhere"}, nil},
			{"missing", "/up/missing", 404, nil, text("~nginx")},
			{"closed without an answer", "/up/drop", 502, nil, nil},
			{"its own server name", "/up/small.txt", 200, map[string]string{"Server": "~nginx"}, nil},
			{"fields", "/up/headers?q", 200, map[string]string{"X-Seen": "~127.0.0.1|http|1.1 anygate|127.0.0.1|/headers?q|"}, nil},
			{"content refused early", "-H 'Expect: 100-continue' --data-binary 0123456789abcdef /up/limited", 413, nil, nil},
		})
		t.Run("gzip is whole", func(t *testing.T) {
			a := peer.Curl(t, "-H", "Accept-Encoding: gzip", s.URL("/up/large.txt"))
			z, err := gzip.NewReader(strings.NewReader(a.Body))
			if err != nil {
				t.Fatal(err)
			}
			if plain, err := io.ReadAll(z); err != nil || string(plain) != digits(500_000) {
				t.Errorf("%d octets: %v", len(plain), err)
			}
		})
		s.Stop(t)
		s.Stderr.Line(t, "upstream_closed", nginx.Addr)
	})
}

// An upstream that closes idle connections after a second, while requests keep coming at the worst moments: no client
// notices. Peers: Go's net/http before, nginx behind.
func TestStaleUpstreamConnections(t *testing.T) {
	eachEngineParallel(t, func(t *testing.T, e product.Engine) {
		root := writeSite(t, map[string]string{"x.txt": "content"})
		nginx := peer.StartNginx(t, root, "keepalive_timeout 1s;", "")
		s := product.Start(t, product.Config{Engine: e, Text: "routes:\n  /: http://" + nginx.Addr + "\n"})
		client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 100, DisableCompression: true}}
		defer client.CloseIdleConnections()
		var requests, failures atomic.Int64
		var clients sync.WaitGroup
		end := time.Now().Add(7 * time.Second)
		for i := range 16 {
			clients.Go(func() {
				// The pauses lie around the second after which nginx closes.
				pause := 960*time.Millisecond + time.Duration(i)*5*time.Millisecond
				for time.Now().Before(end) {
					if err := fetch(client, s.URL("/x.txt"), "content"); err != nil {
						failures.Add(1)
						t.Error(err)
					}
					requests.Add(1)
					time.Sleep(pause) // Not to wait for anything: the pause is what is tested.
				}
			})
		}
		clients.Wait()
		if requests.Load() < 16*4 || failures.Load() > 0 {
			t.Errorf("%d of %d requests failed", failures.Load(), requests.Load())
		}
		s.Stop(t)
	})
}

// fetch expects content at a URL, on the first try: a client that repeats requests by itself would hide what is tested.
func fetch(client *http.Client, url, want string) error {
	r, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	tries := 0
	r = r.WithContext(httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{WroteRequest: func(httptrace.WroteRequestInfo) { tries++ }}))
	resp, err := client.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	switch {
	case err != nil:
		return err
	case resp.StatusCode != http.StatusOK || string(body) != want:
		return &unexpected{resp.StatusCode, string(body)}
	case tries != 1:
		return &unexpected{resp.StatusCode, "the client had to repeat its request"}
	}
	return nil
}

type unexpected struct {
	status int
	body   string
}

func (u *unexpected) Error() string { return http.StatusText(u.status) + ": " + u.body }
