package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/anygate/anygate/control/admin"
	"github.com/anygate/anygate/control/metrics"
	"github.com/anygate/anygate/engine"
)

// adminAsk asks the admin server.
func (r *running) adminAsk(method, target, body string, fields ...string) (status int, text string) {
	r.t.Helper()
	list := r.AdminAddresses()
	if len(list) == 0 {
		r.t.Fatal("there is no admin server")
	}
	return adminAt(r.t, list[0], method, target, body, fields...)
}

func adminAt(t *testing.T, address, method, target, body string, fields ...string) (status int, text string) {
	t.Helper()
	network := "tcp"
	if strings.HasPrefix(address, "/") {
		network = "unix"
	}
	transport := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return net.Dial(network, address) }}
	defer transport.CloseIdleConnections()
	q, err := http.NewRequest(method, "http://127.0.0.1"+target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(fields); i += 2 {
		q.Header.Set(fields[i], fields[i+1])
	}
	a, err := (&http.Client{Transport: transport}).Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	b, err := io.ReadAll(a.Body)
	if err != nil {
		t.Fatal(err)
	}
	return a.StatusCode, string(b)
}

// scraped wants series to be among those of a scrape.
func (r *running) scraped(want ...string) {
	r.t.Helper()
	var text string
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		// What was told last is told again for a moment.
		_, text = r.adminAsk("GET", "/metrics", "")
		missing := false
		for _, w := range want {
			missing = missing || !strings.Contains(text, "\n"+w+"\n")
		}
		if !missing {
			return
		}
		r.Measure(func(m *metrics.Readings) { r.measures.readings.Taken = m.Taken.Add(-measureAge) })
	}
	var ours []string
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "anygate_") {
			ours = append(ours, line)
		}
	}
	r.t.Errorf("not all of\n%s\nare in\n%s", strings.Join(want, "\n"), strings.Join(ours, ""))
}

func TestAdmin(t *testing.T) {
	engines(t, func(t *testing.T, engine string) {
		up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") }))
		defer up.Close()
		address := up.Listener.Addr().String()
		dir := t.TempDir()
		write(t, dir, "site/a.txt", "a file")
		r := start(t, dir, fmt.Sprintf(`
listen: 127.0.0.1:0
admin: 127.0.0.1:0
server: {engine: %s, shards: 2}
upstreams: {api: [%s, "127.0.0.1:1"]}
routes: {"/fixed": OK yes, "/site/": ./site/, "/api": http://api | limit 2/h per ip}
`, engine, address))
		for path, want := range map[string]int{"/fixed": 200, "/site/a.txt": 200, "/nowhere": 404} {
			if status, _ := r.get(path); status != want {
				t.Errorf("%s: %d", path, status)
			}
		}
		for _, want := range []int{200, 200, 429} {
			if status, _ := r.get("/api"); status != want {
				t.Errorf("/api: %d, not %d", status, want)
			}
		}
		r.scraped(
			`anygate_requests_total{method="read",route="/fixed",status="2xx"} 1`,
			`anygate_requests_total{method="read",route="/site/",status="2xx"} 1`,
			`anygate_requests_total{method="read",route="(none)",status="4xx"} 1`,
			`anygate_requests_total{method="read",route="/api",status="2xx"} 2`,
			`anygate_requests_total{method="read",route="/api",status="4xx"} 1`,
			`anygate_request_duration_seconds_count{route="/api"} 3`,
			`anygate_response_bytes_total{route="/site/"} 6`,
			`anygate_request_faults_total{reason="rate_limited"} 1`,
			`anygate_upstream_response_seconds_count{upstream="api"} 2`,
			`anygate_shard_up{shard="1"} 1`,
			`anygate_build_info{engine="`+engine+`",version="0.0.0"} 1`,
			`anygate_draining 0`,
		)
		if status, text := r.adminAsk("GET", "/healthz", ""); status != 200 || text != "ok\n" {
			t.Errorf("health: %d %s", status, text)
		}
		if status, text := r.adminAsk("GET", "/config", ""); status != 200 || !strings.Contains(text, `"limit 2/h`) {
			t.Errorf("configuration: %d %s", status, text)
		}
		c := r.dial()
		_, _ = io.WriteString(c, "GET /fixed HTTP/1.1\r\nHost: h\r\n\r\n")
		if _, err := c.Read(make([]byte, 1000)); err != nil {
			t.Fatal(err)
		}
		var list admin.Connections
		_, text := r.adminAsk("GET", "/connections", "")
		if err := json.Unmarshal([]byte(text), &list); err != nil {
			t.Fatal(err)
		}
		found := false
		for _, client := range list.Clients {
			found = found || client.Peer == c.LocalAddr().String() && client.Sent > 0 && client.Received > 0 && client.Protocol == "http/1"
		}
		if !found || len(list.Shards) != 2 {
			t.Errorf("%s is not in %s", c.LocalAddr(), text)
		}
	})
}

// TestBytesOfHTTP2 counts what a connection of HTTP/2 has sent us, from its first byte on.
func TestBytesOfHTTP2(t *testing.T) {
	r := start(t, t.TempDir(), "listen: 127.0.0.1:0 h2c\nadmin: 127.0.0.1:0\nserver: {shards: 1}\nroutes: {/: OK}\n")
	c := r.dial()
	const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + "\x00\x00\x00\x04\x00\x00\x00\x00\x00"
	const ping = "\x00\x00\x08\x06\x00\x00\x00\x00\x00abcdefgh"
	for _, part := range []string{preface, ping, ping} {
		if _, err := io.WriteString(c, part); err != nil {
			t.Fatal(err)
		}
	}
	want := uint64(len(preface) + 2*len(ping))
	var list admin.Connections
	waitFor(t, "all bytes are counted", func() bool {
		_, text := r.adminAsk("GET", "/connections", "")
		if err := json.Unmarshal([]byte(text), &list); err != nil {
			t.Fatal(err)
		}
		return len(list.Clients) == 1 && list.Clients[0].Received >= want
	})
	if got := list.Clients[0]; got.Received != want || got.Protocol != "http/2" {
		t.Errorf("%+v, want %d bytes", got, want)
	}
}

// TestMembersAreTakenOut takes out one of two members, and the other; a new configuration has them out as well.
func TestMembersAreTakenOut(t *testing.T) {
	var hits [2]atomic.Int64
	var addresses [2]string
	for i := range hits {
		up := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits[i].Add(1) }))
		defer up.Close()
		addresses[i] = up.Listener.Addr().String()
	}
	text := fmt.Sprintf("listen: 127.0.0.1:0\nadmin: 127.0.0.1:0\nserver: {shards: 1}\nupstreams: {api: [%s, %s]}\nroutes: {/: http://api", addresses[0], addresses[1])
	r := startReloading(t, t.TempDir(), text+"}")
	asks := func(want int) (first, second int64) {
		t.Helper()
		a, b := hits[0].Load(), hits[1].Load()
		for range 10 {
			if status, _ := r.get("/"); status != want {
				t.Fatalf("%d, not %d", status, want)
			}
		}
		return hits[0].Load() - a, hits[1].Load() - b
	}
	tell := func(what, member string, want int) {
		t.Helper()
		status, answer := r.adminAsk("POST", "/upstreams/"+what, fmt.Sprintf(`{"upstream": "api", "member": %q}`, member), "Anygate-Admin", "1")
		if status != want {
			t.Errorf("%s %s: %d %s", what, member, status, answer)
		}
	}
	if a, b := asks(200); a == 0 || b == 0 {
		t.Errorf("%d and %d requests", a, b)
	}
	tell("drain", addresses[0], 200)
	if a, b := asks(200); a != 0 || b != 10 {
		t.Errorf("%d and %d requests with the first one out", a, b)
	}
	r.mustChange(text + `, "/new": OK}`)
	if a, b := asks(200); a != 0 || b != 10 {
		t.Errorf("%d and %d requests with the first one out and another configuration", a, b)
	}
	r.scraped(`anygate_member_up{member="`+addresses[0]+`",upstream="api"} 0`, `anygate_upstream_members{state="disabled",upstream="api"} 1`)
	tell("drain", addresses[1], 200)
	asks(503)
	tell("enable", addresses[1], 200)
	tell("enable", addresses[0], 200)
	if a, b := asks(200); a == 0 || b == 0 {
		t.Errorf("%d and %d requests with both of them in again", a, b)
	}
	tell("drain", "127.0.0.1:1", 404)
	r.registry.handOver()
	tell("drain", addresses[0], 409)
	tell("enable", addresses[0], 200) // it is in
	r.registry.takeBack()
	r.scraped(`anygate_config_loads_total{result="loaded"} 1`, `anygate_requests_total{method="read",route="/",status="5xx"} 10`)
}

// TestAdminReload moves the admin server, gives it a token, and takes it away.
func TestAdminReload(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "admin.sock")
	const rest = "listen: 127.0.0.1:0\nserver: {shards: 1}\nroutes: {/: OK}\n"
	r := startReloading(t, dir, rest)
	if list := r.AdminAddresses(); list != nil {
		t.Errorf("there is an admin server at %v", list)
	}
	r.mustChange(rest + "admin: 127.0.0.1:0")
	old := r.AdminAddresses()[0]
	if status, _ := r.adminAsk("GET", "/status", ""); status != 200 {
		t.Errorf("%d", status)
	}
	write(t, dir, "tokens", "# ours\nabcdefghijklmnopqrst\n")
	r.mustChange(rest + "admin: {listen: 'unix:" + path + "', token: tokens}")
	if c, err := net.Dial("tcp", old); err == nil {
		c.Close()
		t.Error("the address that is gone is still open")
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the socket is %v, %v", info, err)
	}
	if status, _ := adminAt(t, path, "GET", "/status", ""); status != 401 {
		t.Errorf("without a token: %d", status)
	}
	if status, _ := adminAt(t, path, "GET", "/status", "", "Authorization", "Bearer abcdefghijklmnopqrst"); status != 200 {
		t.Errorf("with the token: %d", status)
	}
	for what, text := range map[string]string{
		"no token file":     "admin: {listen: 'unix:" + path + "', token: nothing}",
		"an address in use": "admin: " + r.Addresses()[0],
	} {
		if _, err := r.change(rest+text, false); err == nil {
			t.Errorf("%s: it is served", what)
		}
		if status, _ := adminAt(t, path, "GET", "/status", ""); status != 401 {
			t.Errorf("%s: the admin server has changed: %d", what, status)
		}
	}
	r.mustChange(rest)
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("the socket is still there: %v", err)
	}
}

// TestReadyEndsWithDraining asks while a request is under way that keeps the process from ending.
func TestReadyEndsWithDraining(t *testing.T) {
	release := make(chan struct{})
	up := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer up.Close()
	r := start(t, t.TempDir(), fmt.Sprintf("listen: 127.0.0.1:0\nadmin: 127.0.0.1:0\nserver: {shards: 1}\nroutes: {/: '%s'}\n", up.URL))
	address := r.AdminAddresses()[0]
	if status, text := r.adminAsk("GET", "/readyz", ""); status != 200 || text != "ready\n" {
		t.Errorf("%d %s", status, text)
	}
	c := r.dial()
	_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: h\r\n\r\n")
	r.scraped(`anygate_requests_active 1`)
	r.signals <- syscall.SIGTERM
	waitFor(t, "it is draining", func() bool { return r.isEnding() })
	if status, text := adminAt(t, address, "GET", "/readyz", ""); status != 503 || text != "draining\n" {
		t.Errorf("%d %s", status, text)
	}
	if status, _ := adminAt(t, address, "GET", "/healthz", ""); status != 200 {
		t.Errorf("health: %d", status)
	}
	close(release)
	if err := r.end(); err != nil {
		t.Error(err)
	}
}

func TestSeriesAreBounded(t *testing.T) {
	s := newSeries()
	for range 2 {
		for i := range maxSeries + 3 {
			n := s.number(fmt.Sprint("/", i))
			if i < maxSeries && s.names[n] != fmt.Sprint("/", i) || i >= maxSeries && s.names[n] != seriesOther {
				t.Fatalf("route %d is counted as %s", i, s.names[n])
			}
		}
	}
}

// TestAdminSocketOfAnother has a process listen where the admin API is to be: it keeps its socket, whatever is tried.
func TestAdminSocketOfAnother(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "admin.sock")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	const rest = "listen: 127.0.0.1:0\nserver: {shards: 1}\nroutes: {/: OK}\n"
	with := rest + "admin: 'unix:" + path + "'\n"
	if _, err := Start(Options{Config: parse(t, dir, with), Stdout: io.Discard, Stderr: io.Discard}); err == nil || !strings.Contains(err.Error(), "another process") {
		t.Errorf("a start: %v", err)
	}
	// That of a supervisor is for clients: everybody may have the right to connect to it.
	f, err := l.(*net.UnixListener).File()
	if err != nil {
		t.Fatal(err)
	}
	passed, err := engine.Duplicate(int32(f.Fd()))
	f.Close()
	if err != nil {
		t.Fatal(err)
	}
	h := new(Heritage)
	h.passed.list = []passedSocket{{fd: passed, foreign: true}}
	if _, err := Start(Options{Config: parse(t, dir, with), Heritage: h, Stdout: io.Discard, Stderr: io.Discard}); err == nil || !strings.Contains(err.Error(), "another process") {
		t.Errorf("a start with the socket of a supervisor: %v", err)
	}
	r := startReloading(t, dir, rest)
	for _, dry := range []bool{true, false} {
		if _, err := r.change(with, dry); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("another process, %d, answers there", os.Getpid())) {
			t.Errorf("a reload (dry: %v): %v", dry, err)
		}
	}
	c, err := net.Dial("unix", path)
	if err != nil {
		t.Fatalf("the socket of the other process: %v", err)
	}
	c.Close()
	// One that is left from a process that was killed is in nobody's way.
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	l.Close()
	r.mustChange(with)
	if status, _ := adminAt(t, path, "GET", "/healthz", ""); status != 200 {
		t.Errorf("%d", status)
	}
}

// TestAdminAddressIsItsOwn has another program of the same user ask for the address of the admin API, to share it: it would
// be sent every other request, with its token.
func TestAdminAddressIsItsOwn(t *testing.T) {
	r := start(t, t.TempDir(), "listen: 127.0.0.1:0\nadmin: 127.0.0.1:0\nserver: {shards: 1}\nroutes: {/: OK}\n")
	shared := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) (err error) {
		e := c.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1) })
		return errors.Join(e, err)
	}}
	if l, err := shared.Listen(context.Background(), "tcp", r.AdminAddresses()[0]); err == nil {
		l.Close()
		t.Error("another program shares the address")
	}
}
