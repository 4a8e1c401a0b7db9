package proxy

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/anygate/anygate/http1"
	"github.com/anygate/anygate/route"
)

// asked is a request that a route was found for, with the place it goes to.
type asked struct {
	head   http1.Request
	match  route.Match
	target Target
	member *Member
	offer  offer
	r      Request
}

// client is who asks in these tests, unless they say otherwise.
var client = netip.MustParseAddr("198.51.100.7")

// limits allow any head that can be parsed.
var limits = http1.Limits{
	RequestLine: http1.MaxHeadBytes, HeadBytes: http1.MaxHeadBytes, Fields: 200, TrailerBytes: 8 << 10, ChunkLine: 256,
}

// ask makes what the gateway would hand over for a request head: route and
// target are a route's two sides. It reports false if the head is refused, or
// the route is not for it.
func ask(t testing.TB, routeHead, target, name string, raw []byte) (*asked, bool) {
	t.Helper()
	a := &asked{}
	n, err := a.head.Scan(raw, &limits)
	if err != http1.OK || n == 0 || a.head.Form == http1.AsteriskForm || a.head.Form == http1.AuthorityForm {
		return nil, false
	}
	h, e := route.ParseHead(routeHead)
	if e != nil {
		t.Fatalf("%q: %v", routeHead, e)
	}
	to, e := route.ParseTarget(target)
	if e != nil {
		t.Fatalf("%q: %v", target, e)
	}
	if a.target.Rewrite, e = route.CompileRewrite(h, to); e != nil {
		t.Fatalf("%q: %v", target, e)
	}
	a.member = &Member{Name: name}
	if name == "" {
		a.member.Name = strings.TrimSuffix(to.Host, "/")
	}
	path := a.head.PathBytes()
	norm, ok := route.Normalise(make([]byte, 0, 3*len(path)), path)
	if !ok {
		return nil, false
	}
	var b route.Builder
	b.Add(h, 0)
	if b.Build().Match(a.head.Bytes(a.head.Method), a.head.Bytes(a.head.Host), norm, &a.match) != route.Found {
		return nil, false
	}
	a.r = Request{Head: &a.head, Path: norm, Match: &a.match, Peer: client}
	a.r.Content, a.r.Length = a.head.Content()
	a.offer.read(&a.head, a.r.Content)
	a.r.Upgrade = a.offer.bytes()
	return a, true
}

// mustAsk is ask for requests that are fine.
func mustAsk(t testing.TB, routeHead, target, name, raw string) *asked {
	t.Helper()
	a, ok := ask(t, routeHead, target, name, []byte(raw))
	if !ok {
		t.Fatalf("%q is no request for %q", raw, routeHead)
	}
	return a
}

// append writes the head for the upstream into memory of the size that
// RequestRoom promises to suffice.
func (a *asked) append(t testing.TB) string {
	t.Helper()
	room := RequestRoom(&a.r, &a.target, a.member)
	got := AppendRequest(make([]byte, 0, room), &a.r, &a.target, a.member)
	if len(got) > room {
		t.Errorf("%d bytes, RequestRoom says %d", len(got), room)
	}
	return string(got)
}
