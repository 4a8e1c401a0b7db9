package admin

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/anygate/anygate/control/metrics"
	"github.com/anygate/anygate/gateway"
	"github.com/anygate/anygate/proxy"
)

// fake is a process with two shards.
type fake struct {
	ready  error
	silent bool
	out    []string // members that were taken out
	// walk ends a look at the clients, or at whether it is ready, and walking says that it has begun; nil does not wait.
	walk, walking chan struct{}
}

func (f *fake) Measure(g func(*metrics.Readings)) {
	r := metrics.Readings{
		Version: "1.2.3", Engine: "epoll", Began: time.Unix(1000, 0), Shards: make([]metrics.Shard, 2), Routes: []string{"(none)", "(other)", "GET /a"},
		Upstreams: []metrics.Upstream{{Name: "api", Members: []metrics.Member{{Name: "10.0.0.1:80", State: proxy.Unhealthy}}}},
	}
	for i := range r.Shards {
		r.Shards[i].Answers = !f.silent || i == 0
		r.Shards[i].Routes = make([]gateway.RouteCount, 3)
		r.Shards[i].Routes[2].Requests[2][gateway.MethodRead] = 5
		r.Shards[i].Routes[2].Durations.Observe(int64(time.Millisecond))
		r.Shards[i].Engine.Clients = 3
	}
	g(&r)
}

func (f *fake) Ready() error {
	if f.walk != nil {
		f.walking <- struct{}{}
		<-f.walk
	}
	return f.ready
}

func (f *fake) Config() []byte { return []byte(`{"schema":1}`) }
func (f *fake) SetMember(upstream, member string, enabled bool) error {
	if upstream != "api" {
		return errors.New("there is no such upstream")
	}
	f.out = slices.DeleteFunc(f.out, func(m string) bool { return m == member })
	if !enabled {
		f.out = append(f.out, member)
	}
	return nil
}

func (f *fake) Clients(most int) ([]Client, error) {
	if f.walk != nil {
		f.walking <- struct{}{}
		<-f.walk
	}
	return []Client{{Peer: "192.0.2.1:5000", Sent: uint64(most)}}, nil
}

// ask makes a request as it comes to a loopback address.
func ask(s *Server, method, target, body string, fields ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Host = "127.0.0.1:9100"
	r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}))
	for i := 0; i < len(fields); i += 2 {
		if fields[i] == "Host" {
			r.Host = fields[i+1]
			continue
		}
		r.Header.Set(fields[i], fields[i+1])
	}
	w := httptest.NewRecorder()
	s.http.Handler.ServeHTTP(w, r)
	return w
}

const token = "0123456789abcdef"

func TestAnswers(t *testing.T) {
	f := &fake{}
	s := New(f)
	for _, tt := range []struct {
		name, method, target, body string
		fields                     []string
		status                     int
		want                       string
	}{
		{"page", "GET", "/", "", nil, 200, "<title>AnyGate</title>"},
		{"health", "GET", "/healthz", "", nil, 200, "ok\n"},
		{"readiness", "GET", "/readyz", "", nil, 200, "ready\n"},
		{"metrics", "GET", "/metrics", "", nil, 200, `anygate_requests_total{method="read",route="GET /a",status="2xx"} 10`},
		{"go metrics", "GET", "/metrics", "", nil, 200, "go_goroutines "},
		{"process metrics", "GET", "/metrics", "", nil, 200, "process_cpu_seconds_total "},
		{"configuration", "GET", "/config", "", nil, 200, `{"schema":1}`},
		{"status", "GET", "/status", "", nil, 200, `"route": "GET /a"`},
		{"upstreams", "GET", "/upstreams", "", nil, 200, `"condition": "unhealthy"`},
		{"connections", "GET", "/connections?top=7", "", nil, 200, `"bytes_sent": 7`},
		{"too many connections", "GET", "/connections?top=x", "", nil, 400, "top is a number"},
		{"nothing", "GET", "/nothing", "", nil, 404, ""},
		{"localhost", "GET", "/status", "", []string{"Host", "localhost:9100"}, 200, ""},
		{"IPv6", "GET", "/status", "", []string{"Host", "[::1]:9100"}, 200, ""},
		{"another name", "GET", "/status", "", []string{"Host", "evil.example"}, 421, "name this machine"},
		{"another name for the health", "GET", "/healthz", "", []string{"Host", "lb.example"}, 200, "ok"},
		{"drain", "POST", "/upstreams/drain", `{"upstream":"api","member":"m"}`, []string{"Anygate-Admin", "1"}, 200, `"enabled": false`},
		{"enable", "POST", "/upstreams/enable", `{"upstream":"api","member":"m"}`, []string{"Anygate-Admin", "1"}, 200, `"enabled": true`},
		{"drain of another", "POST", "/upstreams/drain", `{"upstream":"x","member":"m"}`, []string{"Anygate-Admin", "1"}, 404, "no such upstream"},
		{"drain without the field", "POST", "/upstreams/drain", `{"upstream":"api","member":"m"}`, nil, 403, "Anygate-Admin"},
		{"drain by another site", "POST", "/upstreams/drain", `{"upstream":"api","member":"m"}`, []string{"Anygate-Admin", "1", "Sec-Fetch-Site", "cross-site"}, 403, "another site"},
		{"status for another site", "GET", "/status", "", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "no-cors"}, 403, "another site"},
		{"status for a page of another port", "GET", "/status", "", []string{"Sec-Fetch-Site", "same-site", "Sec-Fetch-Mode", "cors"}, 403, "another site"},
		{"status in a frame of another site", "GET", "/status", "", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "iframe"}, 403, "another site"},
		{"status by a link", "GET", "/status", "", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}, 200, ""},
		{"status for the page", "GET", "/status", "", []string{"Sec-Fetch-Site", "same-origin", "Sec-Fetch-Mode", "cors"}, 200, ""},
		{"profiles by a link", "GET", "/debug/pprof/profile", "", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}, 403, "another site"},
		{"the page by a link", "GET", "/", "", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}, 200, ""},
		{"drain by GET", "GET", "/upstreams/drain", "", nil, 405, ""},
		{"drain of nothing", "POST", "/upstreams/drain", `x`, []string{"Anygate-Admin", "1"}, 400, "has to be"},
		{"drain with more", "POST", "/upstreams/drain", `{"upstream":"api","member":"m","x":1}`, []string{"Anygate-Admin", "1"}, 400, "unknown field"},
		{"drain with far more", "POST", "/upstreams/drain", `{"upstream":"` + strings.Repeat("x", maxBody) + `"}`, []string{"Anygate-Admin", "1"}, 400, "too large"},
		{"profiles", "GET", "/debug/pprof/", "", nil, 404, "admin.pprof"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := ask(s, tt.method, tt.target, tt.body, tt.fields...)
			if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.want) {
				t.Errorf("%d %s", w.Code, w.Body)
			}
			if w.Header().Get("Cache-Control") != "no-store" || w.Header().Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("the head is %v", w.Header())
			}
		})
	}
	if len(f.out) != 0 {
		t.Errorf("%v are out", f.out)
	}
}

func TestTokens(t *testing.T) {
	s := New(&fake{})
	tokens, err := ParseTokens("# ours\n\n" + token + "\nanother-token-of-ours\n")
	if err != nil {
		t.Fatal(err)
	}
	s.SetTerms(Terms{Tokens: tokens})
	for _, tt := range []struct {
		name, target, authorization string
		status                      int
	}{
		{"no token", "/status", "", 401},
		{"a token", "/status", "Bearer " + token, 200},
		{"another", "/metrics", "bearer another-token-of-ours", 200},
		{"a wrong one", "/status", "Bearer " + token + "x", 401},
		{"part of one", "/status", "Bearer " + token[:15], 401},
		{"nothing", "/status", "Bearer ", 401},
		{"another scheme", "/status", "Basic " + token, 401},
		{"the page", "/", "", 200},
		{"the health", "/healthz", "", 200},
		{"the readiness", "/readyz", "", 200},
		{"profiles", "/debug/pprof/", "", 401},
		{"nothing that there is", "/nothing", "", 401},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if w := ask(s, "GET", tt.target, "", "Host", "admin.example", "Authorization", tt.authorization); w.Code != tt.status {
				t.Errorf("%d %s", w.Code, w.Body)
			}
		})
	}
	for text, want := range map[string]string{
		"":                    "there is no token",
		"# nothing":           "there is no token",
		"short":               "fewer than 16",
		"a token with blanks": "blanks",
	} {
		if _, err := ParseTokens(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestProfiles(t *testing.T) {
	s := New(&fake{})
	s.SetTerms(Terms{Profiles: true})
	if w := ask(s, "GET", "/debug/pprof/goroutine?debug=1", ""); w.Code != 200 || !strings.Contains(w.Body.String(), "goroutine profile") {
		t.Errorf("%d %.100s", w.Code, w.Body)
	}
}

func TestNotReady(t *testing.T) {
	f := &fake{ready: errors.New("draining"), silent: true}
	s := New(f)
	if w := ask(s, "GET", "/readyz", ""); w.Code != 503 || w.Body.String() != "draining\n" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := ask(s, "GET", "/healthz", ""); w.Code != 503 || w.Body.String() != "shards that do not answer: 1\n" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// TestPagePolicy wants the policy to allow what is in the page, and nothing that comes from elsewhere to be in it.
func TestPagePolicy(t *testing.T) {
	w := ask(New(&fake{}), "GET", "/", "")
	if p := w.Header().Get("Content-Security-Policy"); strings.Count(p, "sha256-") != 2 || !strings.Contains(p, "default-src 'none'") {
		t.Errorf("the policy is %s", p)
	}
	if body := w.Body.String(); strings.Contains(body, "http://") || strings.Contains(body, "https://") || strings.Contains(body, " style=") || strings.Contains(body, " onclick=") {
		t.Error("the page refers to something, or has inline attributes")
	}
}

// TestIdleConnectionsGiveWay fills all places with connections that only stay, some of which have been answered: whoever
// comes next is answered at once, and an answer that is under way is not cut off.
func TestIdleConnectionsGiveWay(t *testing.T) {
	f := &fake{walk: make(chan struct{}), walking: make(chan struct{}, 1)}
	s := New(f)
	defer s.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.Listen(l)
	get := func(path string) (string, error) {
		c := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
		r, err := c.Get("http://" + l.Addr().String() + path)
		if err != nil {
			return "", err
		}
		defer r.Body.Close()
		b, err := io.ReadAll(r.Body)
		return string(b), err
	}
	type answer struct {
		text string
		err  error
	}
	slow := make(chan answer, 1)
	go func() {
		text, err := get("/connections")
		slow <- answer{text, err}
	}()
	<-f.walking
	for i := range 2 * maxConnections {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		switch i % 3 {
		case 0: // says nothing
		case 1:
			_, _ = io.WriteString(c, "GET /healthz HTTP/1.1\r\nHost: x\r\n")
		case 2:
			_, _ = io.WriteString(c, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
			if _, err := http.ReadResponse(bufio.NewReader(c), nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	// And now with such as are being answered what everybody may ask: who does not read the answer makes it last.
	for range maxConnections {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_, _ = io.WriteString(c, "GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n")
		<-f.walking
	}
	for range 3 {
		if text, err := get("/healthz"); text != "ok\n" || err != nil {
			t.Errorf("%q, %v", text, err)
		}
	}
	close(f.walk)
	if a := <-slow; a.err != nil || !strings.Contains(a.text, "192.0.2.1:5000") {
		t.Errorf("what was under way: %q, %v", a.text, a.err)
	}
}

// TestUnlisten closes an address, and has no token asked for at the other that is left: who has come by the first is not
// answered any more, but for what was under way.
func TestUnlisten(t *testing.T) {
	f := &fake{walk: make(chan struct{}), walking: make(chan struct{}, 1)}
	s := New(f)
	defer s.Close()
	tokens, err := ParseTokens(token)
	if err != nil {
		t.Fatal(err)
	}
	s.SetTerms(Terms{Tokens: tokens})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.Listen(l)
	type client struct {
		net.Conn
		in *bufio.Reader
	}
	dial := func() client {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		_ = c.SetDeadline(time.Now().Add(20 * time.Second))
		return client{c, bufio.NewReader(c)}
	}
	say := func(c client, path, fields string) {
		_, _ = io.WriteString(c, "GET "+path+" HTTP/1.1\r\nHost: 127.0.0.1\r\n"+fields+"\r\n")
	}
	hear := func(c client) int {
		r, err := http.ReadResponse(c.in, nil)
		if err != nil {
			return 0
		}
		_, _ = io.Copy(io.Discard, r.Body)
		return r.StatusCode
	}
	idle, busy := dial(), dial()
	say(idle, "/status", "")
	if got := hear(idle); got != 401 {
		t.Fatalf("%d", got)
	}
	say(busy, "/connections", "Authorization: Bearer "+token+"\r\n")
	<-f.walking
	s.Unlisten(l)
	s.SetTerms(Terms{})
	say(idle, "/status", "")
	if got := hear(idle); got != 0 {
		t.Errorf("a connection that was idle is answered %d", got)
	}
	close(f.walk)
	if got := hear(busy); got != 200 {
		t.Errorf("what was under way is answered %d", got)
	}
	say(busy, "/status", "")
	if got := hear(busy); got != 0 {
		t.Errorf("a connection that was busy is answered %d afterwards", got)
	}
}

// TestListen serves on sockets, with more connections than there may be.
func TestListen(t *testing.T) {
	s := New(&fake{})
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "s")
	local, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	s.Listen(tcp)
	s.Listen(local)
	get := func(c *http.Client, url string) error {
		r, err := c.Get(url)
		if err != nil {
			return err
		}
		defer r.Body.Close()
		var st Status
		if err := json.NewDecoder(r.Body).Decode(&st); err != nil || st.Version != "1.2.3" || st.Connections != 6 {
			t.Errorf("%+v, %v", st, err)
		}
		return nil
	}
	if err := get(http.DefaultClient, "http://"+tcp.Addr().String()+"/status"); err != nil {
		t.Fatal(err)
	}
	unix := &http.Client{Transport: &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return net.Dial("unix", path) }}}
	if err := get(unix, "http://anything.example/status"); err != nil {
		t.Fatal(err)
	}
	var idle []net.Conn
	for range maxConnections {
		c, err := net.Dial("tcp", tcp.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		idle = append(idle, c)
	}
	waiting := make(chan error, 1)
	go func() {
		waiting <- get(&http.Client{Transport: &http.Transport{}}, "http://"+tcp.Addr().String()+"/status")
	}()
	for _, c := range idle {
		c.Close()
	}
	if err := <-waiting; err != nil {
		t.Fatal(err)
	}
	s.Unlisten(tcp)
	if c, err := net.Dial("tcp", tcp.Addr().String()); err == nil {
		c.Close()
		t.Error("the address is still open")
	}
	s.Close()
	if err := get(unix, "http://anything.example/status"); err == nil {
		t.Error("the server goes on")
	}
	http.DefaultClient.CloseIdleConnections()
}
