package gateway

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/anygate/anygate/http1"
	"github.com/anygate/anygate/policy/cors"
	"github.com/anygate/anygate/policy/limiter"
)

// asks begins an exchange with some fields beside those that all requests have.
func (c *h2Client) asks(method, path, content string, fields ...[2]string) *h2Exchange {
	all := append([][2]string{{":method", method}, {":scheme", "http"}, {":authority", "h"}, {":path", path}}, fields...)
	return c.fields(all, content != "", content, "")
}

func h2Basic(credentials string) [2]string {
	_, value, _ := strings.Cut(strings.TrimSpace(basic(credentials)), ": ")
	return [2]string{"authorization", value}
}

// TestH2Auth has requests with content wait for the check of a password, many of
// one connection at a time: all that was composed of a request is still known then.
func TestH2Auth(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		w.muxed()
		w.policies = &Policies{Auth: passwords(t)}
		everyAction(w)
		c := w.h2Client()
		content := numbered(50_000)
		var good []*h2Exchange
		for n := range 8 {
			tag := fmt.Sprint("t", n)
			good = append(good, c.asks("POST", "/p/"+tag, content, [2]string{"cookie", "a=1"}, h2Basic("ann:apple"), [2]string{"cookie", "b=2"}, [2]string{"x-tag", tag}))
		}
		wrong, none := c.asks("POST", "/p/x", "content", h2Basic("ann:pear")), c.asks("GET", "/fixed", "")
		file := c.asks("GET", "/files/a.txt", "", h2Basic("bob:secret"))
		gone := c.asks("POST", "/p/gone", content, h2Basic("bob:secret"))
		gone.cancel()
		c.finish(t)
		for n, e := range good {
			if want := fmt.Sprintf("POST h t%d 2 anygate %s", n, content); e.got != want || !strings.HasPrefix(e.head, "200\r\n") {
				t.Errorf("request %d: %q %s", n, e.head, brief(e.got))
			}
		}
		for _, e := range []*h2Exchange{wrong, none} {
			if !strings.HasPrefix(e.head, "401\r\n") || !strings.Contains(e.head, "www-authenticate: Basic realm=") {
				t.Errorf("without the password: %q", e.head)
			}
		}
		if file.got != "file a" {
			t.Errorf("a file: %q %q", file.head, file.got)
		}
		w.eventually("no password is checked", func() bool { return w.g.rules.checking == 0 })
		c.close()
	})
}

// TestH2ResponseFields edits the responses of all actions, those whose heads are
// built beforehand and those that are encoded once included, and of two routes
// that answer from the same file.
func TestH2ResponseFields(t *testing.T) {
	const hsts = "strict-transport-security: max-age=60\r\n"
	forEachEngine(t, func(t *testing.T, w *world) {
		w.encrypting(muxing(&tls.Config{}))
		w.settings.HSTS = []byte("Strict-Transport-Security: max-age=60\r\n")
		w.muxed()
		var e http1.Edits
		e.Remove("Server")
		e.Remove("X-Up")
		e.Set("Cache-Control", "no-store")
		e.Add("X-A", "1")
		w.policies = &Policies{Fields: NewFieldEdits(e, nil), CORS: cors.New([]string{"https://a.example"}, false, 0)}
		paths := append(everyAction(w), "/files/missing")
		c := w.h2Client()
		for range 3 {
			for _, path := range paths {
				for _, method := range []string{"GET", "HEAD"} {
					x := c.asks(method, path, "", [2]string{"origin", "https://a.example"})
					c.finish(t)
					for _, line := range []string{"\ncache-control: no-store\r\n", "\nx-a: 1\r\n", "\n" + hsts, "\naccess-control-allow-origin: https://a.example\r\n"} {
						if strings.Count(x.head, line) != 1 {
							t.Errorf("%s %s: %q is not once in %q", method, path, line, x.head)
						}
					}
					if strings.Contains(x.head, "\nserver:") || strings.Contains(x.head, "\nx-up:") || strings.Count(x.head, "cache-control") != 1 {
						t.Errorf("%s %s: %q", method, path, x.head)
					}
				}
			}
		}
		// The same file from a route without a policy.
		w.policies = nil
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "a.txt"), []byte("file a"), 0o644); err != nil {
			t.Fatal(err)
		}
		gen := w.generation("/plain/: "+dir+"/", "/edited/: "+dir+"/")
		gen.Routes[1].Policies = &Policies{Fields: NewFieldEdits(e, nil)}
		gen.Routes[1].Site = gen.Routes[0].Site
		w.current.Store(gen)
		for range 3 {
			for path, edited := range map[string]bool{"/plain/a.txt": false, "/edited/a.txt": true} {
				x := c.asks("GET", path, "")
				c.finish(t)
				if x.got != "file a" || strings.Contains(x.head, "x-a: 1\r\n") != edited || strings.Contains(x.head, "no-store") != edited {
					t.Errorf("%s: %q", path, x.head)
				}
			}
		}
		c.close()
	})
}

// TestInterimFields checks that what is taken out of responses is not in those
// before them either.
func TestInterimFields(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		w.muxed()
		var e http1.Edits
		e.Remove("X-Secret")
		e.Set("Link", "</own.css>")
		e.Add("X-A", "1")
		w.policies = &Policies{Fields: NewFieldEdits(e, nil)}
		w.upstream("up", answering(func(_ *upstreamConn, r *http.Request, _ string) string {
			if r.URL.Path == "/bare" {
				return "HTTP/1.1 103 Early Hints\r\nLink: </up.css>\r\n\r\n" + ok("")
			}
			return "HTTP/1.1 103 Early Hints\r\nX-Secret: s\r\nX-Hint: h\r\n\r\n" + ok("")
		}))
		w.serve("/: http://up")
		c := w.client()
		c.send(get("/hint") + get("/bare"))
		const final = "Link: </own.css>\r\nX-A: 1\r\nContent-Length: 0\r\n\r\n"
		c.expect("HTTP/1.1 103 Early Hints\r\nX-Hint: h\r\n\r\nHTTP/1.1 200 OK\r\n" + served + final + "HTTP/1.1 200 OK\r\n" + served + final)
		c.close()
		m := w.h2Client()
		hint, bare := m.asks("GET", "/hint", ""), m.asks("GET", "/bare", "")
		m.finish(t)
		if !strings.Contains(hint.interim, "x-hint: h") || strings.Contains(hint.interim, "secret") || bare.interim != "" {
			t.Errorf("%q, %q", hint.interim, bare.interim)
		}
		m.close()
	})
}

// TestH2Compress codes what an upstream answers for clients of HTTP/2.
func TestH2Compress(t *testing.T) {
	long := strings.Repeat("some text that repeats. ", 20_000)
	forEachEngine(t, func(t *testing.T, w *world) {
		w.muxed()
		w.policies = &Policies{Compress: true}
		w.upstream("up", answering(func(_ *upstreamConn, r *http.Request, _ string) string {
			body := long
			if r.Method == "HEAD" {
				body = ""
			}
			return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s", len(long), body)
		}))
		w.serve("/: http://up")
		c := w.h2Client()
		for _, coding := range []string{"gzip", "zstd"} {
			x := c.asks("GET", "/", "", [2]string{"accept-encoding", coding})
			c.finish(t)
			if got := decoded(t, coding, []byte(x.got)); got != long {
				t.Errorf("%s: %s", coding, brief(got))
			}
			if x.head != "200\r\ncontent-type: text/plain\r\nvary: Accept-Encoding\r\ncontent-encoding: "+coding+"\r\n" {
				t.Errorf("%s: %q", coding, x.head)
			}
		}
		plain := c.asks("GET", "/", "")
		c.finish(t)
		plain.want(t, h2Head(200, "content-type: text/plain\r\nvary: Accept-Encoding\r\n", len(long)), long, "")
		c.close()
	})
}

// TestConnectionsPerAddressOfEveryKind counts connections under TLS, and those of
// HTTP/2, until they have gone.
func TestConnectionsPerAddressOfEveryKind(t *testing.T) {
	for _, kind := range []string{"TLS", "HTTP/2", "HTTP/2 under TLS", "HTTP/2 from the start"} {
		t.Run(kind, func(t *testing.T) {
			forEachLoop(t, func(t *testing.T, w *world) {
				w.settings.PerAddress = limiter.NewTally(2, 64)
				w.muxed()
				switch kind {
				case "TLS":
					w.encrypting(&tls.Config{})
				case "HTTP/2 under TLS":
					w.encrypting(muxing(&tls.Config{}))
				case "HTTP/2 from the start":
					w.listener(Listener{H2: true})
				}
				w.serve("/ping: OK pong")
				served := func() *client {
					if kind == "TLS" {
						c := w.client()
						c.send(get("/ping"))
						c.expect(text(200, "pong"))
						return c
					}
					c := w.h2Client()
					x := c.request("GET /ping", 'n', "", "")
					c.finish(t)
					x.want(t, h2Head(200, h2Text, 4), "pong", "")
					return c.client
				}
				for round := range uint64(2) {
					first, second := served(), served()
					refusedClient(t, w)
					w.eventually("one was refused", func() bool { return w.g.RefusedClients() == round+1 })
					first.abort()
					second.abort()
					w.eventually("all have gone", func() bool { return w.g.Open() == 0 })
				}
				w.clients = nil
			})
		})
	}
}

// TestTokenBehindOtherPolicies has requests wait for their tokens that other
// policies have counted: they are counted once, and given back.
func TestTokenBehindOtherPolicies(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		i := w.askForTokens("/p/")
		counter := limiter.NewCounter(1)
		w.policies = &Policies{Conns: []Concurrency{{Counter: counter}}, Auth: someTokens(t, "X-Key"), Body: &BodyLimit{Bytes: 100_000}}
		w.upstream("up", echoing())
		w.serve("/p/: http://up")
		c := w.client()
		const key = "X-Key: one\r\n"
		challenge := c.challenged("GET /p/x", key)
		content := numbered(50_000)
		if r := c.ask("GET /p/x", i.answer(t, challenge)); r.status != 401 || r.fields.Get("Www-Authenticate") == challenge {
			t.Errorf("a token without the key: %d %v", r.status, r.fields)
		}
		for range 3 {
			c.send("POST /p/x" + req + "Content-Length: 50000\r\n" + key + i.answer(t, challenge) + "\r\n" + content)
			if r := c.response("POST"); r.status != 200 || r.content != "POST /p/x "+content {
				t.Errorf("%d %s", r.status, brief(r.content))
			}
		}
		c.close()
		w.eventually("nothing is under way", func() bool { return w.g.Open() == 0 })
		if !counter.Enter() {
			t.Error("a request is still counted")
		}
	})
}
