package control

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/anygate/anygate/control/discovery"
	"github.com/anygate/anygate/gateway"
	"github.com/anygate/anygate/h2"
	"github.com/anygate/anygate/proxy"
	"github.com/anygate/anygate/route"
	"github.com/anygate/anygate/telemetry"
)

// memberNames lists the servers of a plan.
func memberNames(p *proxy.Plan) string {
	var list []string
	for _, e := range p.Upstream.Set().Endpoints {
		list = append(list, e.Member.Name)
	}
	return strings.Join(list, " ")
}

// member is the first server of a plan.
func member(p *proxy.Plan) *proxy.Member { return p.Upstream.Set().Endpoints[0].Member }

func TestCompile(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "site/index.html", "hello")
	write(t, dir, "robots.txt", "none")
	cfg := parse(t, dir, `
upstreams:
  api: [one.test:80, 192.0.2.9:81]
routes:
  "/":               ./site/
  "/also/":          ./site/
  "/robots.txt":     ./robots.txt
  "GET /text":       OK hello
  "GET /json":       'NOT_FOUND {"a":1}'
  "GET /none":       NO_CONTENT
  "GET /old/*":      MOVED /new/*
  "/echo":           FORBIDDEN *
  "/api/":           http://api http://api/v2 unix:/run/app.sock
server:
  limits: {request-line: 1KiB, header-bytes: 4KiB, header-fields: 7, body: 1MiB}
  timeouts: {header: 1s, body: 2s, idle: 3s, write: 4s, drain: 5s}
  min-rate: {body: 100/s, write: 200/s}
  h2: {streams: 99, header-table: 8KiB}
  trust: [10.0.0.0/8, "2001:db8::1"]
listen: [":80", ":81 proxy-protocol", ":82 h2c"]
proxy:
  timeouts: {connect: 6s, first-byte: 7s, idle: 8s}
log: stdout json
`)
	gen, err := Compile(cfg, NewRegistry(names{"one.test": {"192.0.2.1", "2001:db8::1", "192.0.2.1"}}))
	if err != nil {
		t.Fatal(err)
	}
	byName := make(map[string]*gateway.Route)
	for i := range gen.Routes {
		byName[gen.Routes[i].Name] = &gen.Routes[i]
		if gen.Routes[i].Name != cfg.Routes[i].Head.String() {
			t.Errorf("route %d is %q, and %q in the configuration: the table's values are indices", i, gen.Routes[i].Name, cfg.Routes[i].Head)
		}
	}
	if a, b := byName["/"], byName["/also/"]; a.Site == nil || a.Site != b.Site {
		t.Error("two routes of one directory do not share its site")
	}
	if r := byName["/robots.txt"]; r.Site == nil || r.Action != route.Static {
		t.Error("a file has no site")
	}
	for name, status := range map[string]int{"GET /text": 200, "GET /json": 404, "GET /none": 204} {
		if r := byName[name]; r.Fixed == nil || r.Fixed.Status != status {
			t.Errorf("%s: no fixed response with status %d", name, status)
		}
	}
	if r := byName["GET /old/"]; r.Status != 301 || r.Action != route.Redirect {
		t.Errorf("the redirect has status %d", r.Status)
	}
	if r := byName["/echo"]; r.Status != 403 {
		t.Errorf("the echo has status %d", r.Status)
	}

	p := byName["/api/"].Proxy
	const api = "192.0.2.1:80 [2001:db8::1]:80 192.0.2.9:81"
	if got, want := memberNames(p), api+" "+api+" unix:/run/app.sock"; got != want {
		t.Errorf("choices %s, want %s", got, want)
	}
	var groups []int
	endpoints := p.Upstream.Set().Endpoints
	for _, e := range endpoints {
		groups = append(groups, p.Targets[e.Target].Group)
	}
	if groups[0] != groups[2] || groups[0] == groups[3] || groups[0] != groups[6] {
		t.Errorf("groups %v: the first and the last target pass the path on, the second rewrites it", groups)
	}
	if endpoints[0].Member != endpoints[3].Member {
		t.Error("one address is two members")
	}
	if want := (proxy.Timeouts{Connect: 6 * time.Second, FirstByte: 7 * time.Second, Idle: 8 * time.Second, Tunnel: time.Hour}); p.Timeouts != want {
		t.Errorf("timeouts %+v", p.Timeouts)
	}

	s := gen.Settings
	if s.HTTP.RequestLine != 1<<10 || s.HTTP.HeadBytes != 4<<10 || s.HTTP.Fields != 7 || s.HTTP.ChunkLine == 0 || s.HTTP.TrailerBytes == 0 {
		t.Errorf("limits %+v", s.HTTP)
	}
	s.HTTP = gateway.Settings{}.HTTP
	h2Settings := h2.DefaultConfig
	h2Settings.Streams, h2Settings.Window, h2Settings.ConnWindow, h2Settings.TableSize = 99, 64<<10, 1<<20, 8<<10
	h2Settings.HTTP.RequestLine, h2Settings.HTTP.HeadBytes, h2Settings.HTTP.Fields = 1<<10, 4<<10, 7
	if want := (gateway.Settings{
		Body: 1 << 20, Header: time.Second, BodyIdle: 2 * time.Second, Idle: 3 * time.Second, Write: 4 * time.Second,
		MinBody: 100, MinWrite: 200, AccessLog: gateway.LogJSON, LogSlow: time.Second, LogMask: telemetry.NewMask(nil), H2: &h2Settings, LoopLatency: 500 * time.Millisecond,
		Trust:     gateway.NewTrust([]netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8::1/128")}),
		Listeners: []gateway.Listener{{}, {ProxyProtocol: true}, {H2: true}},
	}); !reflect.DeepEqual(s, want) {
		t.Errorf("settings %+v, want %+v", s, want)
	}
}

// TestCompileKeepsIdentities compiles twice: members and plans are known by the same numbers again.
func TestCompileKeepsIdentities(t *testing.T) {
	reg := NewRegistry(names{"one.test": {"192.0.2.1"}})
	first, err := Compile(parse(t, "", `{routes: {"/a": "http://one.test", "/b": "http://192.0.2.2"}}`), reg)
	if err != nil {
		t.Fatal(err)
	}
	second, err := Compile(parse(t, "", `{routes: {"/c": "http://192.0.2.3", "/b": "http://192.0.2.2", "/a": "http://one.test/x"}}`), reg)
	if err != nil {
		t.Fatal(err)
	}
	a, b := first.Routes[0].Proxy, first.Routes[1].Proxy
	c2, b2, a2 := second.Routes[0].Proxy, second.Routes[1].Proxy, second.Routes[2].Proxy
	if a.ID != a2.ID || b.ID != b2.ID || a.ID == b.ID || c2.ID == a.ID || c2.ID == b.ID {
		t.Errorf("plans: a %d and %d, b %d and %d, c %d", a.ID, a2.ID, b.ID, b2.ID, c2.ID)
	}
	if member(a) != member(a2) || member(b) != member(b2) {
		t.Error("an address has another member after the second compilation")
	}
	ids := map[uint32]bool{member(a).ID: true, member(b).ID: true, member(c2).ID: true}
	if len(ids) != 3 {
		t.Error("two addresses have the same number")
	}
}

// TestLocalhostIsBothFamilies asks the system's resolver, which needs no network for this name.
func TestLocalhostIsBothFamilies(t *testing.T) {
	want, err := net.DefaultResolver.LookupNetIP(t.Context(), "ip", "localhost")
	if err != nil {
		t.Fatal(err)
	}
	gen, err := Compile(parse(t, "", `{routes: {"/": "http://localhost:3000"}}`), NewRegistry(nil))
	if err != nil {
		t.Fatal(err)
	}
	got := memberNames(gen.Routes[0].Proxy)
	for _, ip := range want {
		if name := netip.AddrPortFrom(ip.Unmap(), 3000).String(); !strings.Contains(got, name) {
			t.Errorf("%s is not among %s", name, got)
		}
	}
	if !strings.Contains(got, "127.0.0.1:3000") {
		t.Errorf("127.0.0.1:3000 is not among %s", got)
	}
}

// failing is a resolver that always fails.
type failing struct{ err error }

func (f failing) Lookup(context.Context, discovery.Query) (discovery.Answer, error) {
	return discovery.Answer{}, f.err
}

func TestCompileErrors(t *testing.T) {
	const text = "routes:\n  \"/a\": http://one.test\n  \"/b\": http://two.test:81\n"
	tests := []struct {
		name     string
		resolver Resolver
		want     []string
	}{
		{
			"no address",
			names{},
			[]string{"test.yml:2:", `the host name "one.test" has no address`, "test.yml:3:", `"two.test" has no address`},
		},
		{
			"unknown name",
			failing{&net.DNSError{Err: "no such host", IsNotFound: true}},
			[]string{`the host name "one.test" does not exist: check its spelling`},
		},
		{
			"no answer",
			failing{&net.DNSError{Err: "i/o timeout", IsTimeout: true}},
			[]string{"the name servers did not answer", "/etc/resolv.conf"},
		},
		{
			"anything else",
			failing{errors.New("it broke")},
			[]string{`"one.test" cannot be looked up: it broke`},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			gen, err := Compile(parse(t, "", text), NewRegistry(tt.resolver))
			if err == nil || gen != nil {
				t.Fatalf("compiled to %v, %v", gen, err)
			}
			wantIn(t, err.Error(), tt.want...)
		})
	}
}

// TestCompileErrorsOfSites compiles routes whose files have gone since the configuration was read.
func TestCompileErrorsOfSites(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "site/index.html", "hello")
	cfg := parse(t, dir, "routes:\n  \"/ok/\": ./site/\n  \"/gone/\": ./site/\n")
	cfg.Routes[1].Static.Root += "/no/such"
	_, err := Compile(cfg, NewRegistry(names{}))
	if err == nil {
		t.Fatal("a directory that is not there compiles")
	}
	wantIn(t, err.Error(), "test.yml:3:", "does not exist")
}
