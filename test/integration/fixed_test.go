package integration

import (
	"testing"
	"time"

	"github.com/anygate/anygate/test/internal/peer"
	"github.com/anygate/anygate/test/internal/product"
)

// Peer: curl.
func TestFixed(t *testing.T) {
	eachEngineParallel(t, func(t *testing.T, e product.Engine) {
		s := product.Start(t, product.Config{Engine: e, Env: []string{"GREETING=hello from the environment", "LISTEN=127.0.0.1:0"}, Listen: `"${LISTEN}"`, Text: `
routes:
  "/ok": OK
  "/number": 204
  "/text": OK some text | with a bar
  "GET POST /json": 'FORBIDDEN {"msg":"no"}'
  "/list": '200 [1,2,3]'
  "/teapot": 418 short and stout
  "/gone": GONE
  "/env": OK ${GREETING}
  "/default": OK ${ANYGATE_TEST_UNSET:-a default}
  "GET /old/*": MOVED /new/*
  "/away": FOUND https://example.com/there
  "/see": {redirect: SEE_OTHER /there}
  "/perm/": PERM_REDIRECT https://example.com/*
  "/:user/profile": MOVED /people/:user
`})
		check(t, s, []expectation{
			{"status alone", "/ok", 200, map[string]string{"Content-Type": "", "Content-Length": "0", "Date": "~GMT", "Server": "~", "Connection": ""}, text("")},
			{"no content", "/number", 204, map[string]string{"Content-Length": "", "Transfer-Encoding": ""}, text("")},
			{"text", "/text", 200, map[string]string{"Content-Type": "text/plain; charset=utf-8"}, text("some text | with a bar")},
			{"json", "/json", 403, map[string]string{"Content-Type": "application/json", "Content-Length": "12"}, text(`{"msg":"no"}`)},
			{"json to POST", "-d x=1 /json", 403, nil, text(`{"msg":"no"}`)},
			{"json list", "/list", 200, map[string]string{"Content-Type": "application/json"}, text("[1,2,3]")},
			{"any status", "/teapot", 418, nil, text("short and stout")},
			{"by name", "/gone", 410, nil, nil},
			{"HEAD", "-I /text", 200, map[string]string{"Content-Length": "22"}, text("")},
			{"HEAD of no content", "-I /number", 204, nil, nil},
			{"environment", "/env", 200, nil, text("hello from the environment")},
			{"environment default", "/default", 200, nil, text("a default")},
			{"redirect keeps the rest", "/old/a/b%20c?q=1", 301, map[string]string{"Location": "/new/a/b%20c?q=1"}, nil},
			{"redirect of nothing", "/old/", 301, map[string]string{"Location": "/new/"}, nil},
			{"redirect elsewhere", "/away", 302, map[string]string{"Location": "https://example.com/there"}, nil},
			{"redirect in full form", "-X POST /see", 303, map[string]string{"Location": "/there"}, nil},
			{"redirect of a prefix", "/perm/x/y", 308, map[string]string{"Location": "https://example.com/x/y"}, nil},
			{"redirect of a parameter", "/ann/profile", 301, map[string]string{"Location": "/people/ann"}, nil},
			{"method not allowed", "-X DELETE /json", 405, map[string]string{"Allow": "~POST"}, nil},
			{"HEAD of a route for GET", "-I /json", 403, nil, text("")},
			{"nothing there", "/nowhere", 404, nil, nil},
			{"OPTIONS tells what is allowed", "-X OPTIONS /json", 204, map[string]string{"Allow": "~GET"}, nil},
			{"HTTP/1.0", "--http1.0 /text", 200, map[string]string{"Content-Length": "22"}, text("some text | with a bar")},
		})
		t.Run("Date is today's", func(t *testing.T) {
			a := ask(t, s, "/ok")
			date, err := time.Parse(time.RFC1123, a.Header.Get("Date"))
			if err != nil {
				t.Fatal(err)
			}
			if off := time.Since(date).Abs(); off > 5*time.Second {
				t.Errorf("Date %s is off by %s", date, off)
			}
		})
		t.Run("redirect can be followed", func(t *testing.T) {
			a := peer.Curl(t, "-L", s.URL("/ann/profile"))
			if a.Status != 404 || len(a.Interim) != 1 || a.Interim[0] != 301 {
				t.Errorf("status %v then %d, want 301 then 404", a.Interim, a.Status)
			}
		})
		s.Stop(t)
	})
}
