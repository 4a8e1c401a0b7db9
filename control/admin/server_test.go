package admin

import (
	"context"
	"encoding/json"
	"errors"
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

func (f *fake) Ready() error   { return f.ready }
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
