package config

import (
	"net/netip"
	"strconv"
	"strings"

	"github.com/anygate/anygate/policy/quantity"
	"github.com/anygate/anygate/route"
)

// DefaultListen is the address of a configuration without `listen`.
const DefaultListen = ":8080"

const wantListen = ":PORT, IP:PORT or unix:/PATH"

// listenOptions may stand behind an address.
var listenOptions = []string{"tls", "redirect", "proxy-protocol", "h2c"}

// readListen reads ADDR [tls|redirect] [proxy-protocol] [h2c], or a list of them.
func (l *loader) readListen(_, value *node) {
	if value.shape == list && len(value.items) == 0 {
		l.errorAt(value, Diagnostic{Msg: "the list is empty", Want: wantListen})
	}
	for _, item := range l.items(value) {
		s, ok := l.text(item, wantListen)
		if !ok {
			continue
		}
		ln, ok := l.listener(item, words(s))
		if !ok {
			continue
		}
		if len(l.cfg.Listen) == maxListeners {
			l.errorAt(item, Diagnostic{Msg: "more than " + strconv.Itoa(maxListeners) + " addresses are listened to", Want: "fewer addresses"})
			return
		}
		duplicate := false
		for _, other := range l.cfg.Listen {
			if ln.same(other) {
				duplicate = true
				msg := "the address " + ln.Addr + " is listened to twice"
				if ln.Addr != other.Addr {
					msg += ": it is what " + other.Addr + " means"
				}
				l.errorAt(item, Diagnostic{
					Kind: KindConflict, Msg: msg, Want: "each address once",
					Related: []Related{l.relatedPos(other.Pos, "the first time")},
				})
			}
		}
		if !duplicate {
			l.cfg.Listen = append(l.cfg.Listen, ln)
			l.tls.listeners = append(l.tls.listeners, item)
		}
	}
}

// same reports whether two addresses are one: the kernel would give each connection to either of the two, as it comes.
// :PORT is [::]:PORT, on which IPv4 is spoken as well.
func (ln Listener) same(b Listener) bool {
	every := func(l Listener) string {
		if port, ok := strings.CutPrefix(l.Addr, "[::]:"); ok {
			return ":" + port
		}
		return l.Addr
	}
	// Port 0 is another one each time.
	return ln.Network == b.Network && (ln.Addr == b.Addr || ln.Network == "tcp" && every(ln) == every(b) && every(ln) != ":0")
}

// relatedPos describes a place that was already turned into a line and column.
func (l *loader) relatedPos(p Pos, msg string) Related {
	r := Related{File: p.File, Line: p.Line, Col: p.Col, Len: 1, Msg: msg}
	for _, f := range l.files {
		if f.src.name == p.File && p.Line >= 1 && p.Line <= len(f.src.lines) {
			r.Source = f.src.line(p.Line - 1)
		}
	}
	return r
}

func (l *loader) listener(item *node, list []word) (Listener, bool) {
	if len(list) == 0 {
		l.errorAt(item, Diagnostic{Msg: "the value is empty", Want: wantListen})
		return Listener{}, false
	}
	ln := Listener{Network: "tcp", Pos: item.pos()}
	ok := l.listenAddress(item, list[0], &ln)
	for _, w := range list[1:] {
		switch w.text {
		case "tls":
			ln.TLS = true
		case "proxy-protocol":
			ln.ProxyProtocol = true
		case "redirect":
			ln.Redirect = true
		case "h2c":
			ln.H2C = true
		default:
			l.wordError(item, w, Diagnostic{
				Msg: "unknown option " + strconv.Quote(w.text) + " of an address", Want: oneOf(listenOptions),
				Suggest: route.Suggest(w.text, listenOptions),
			})
			ok = false
		}
	}
	switch {
	case ln.TLS && ln.Redirect:
		l.errorAt(item, Diagnostic{Msg: "an address that speaks TLS cannot send its clients to TLS", Want: "tls or redirect"})
	case ln.TLS && ln.H2C:
		l.errorAt(item, Diagnostic{Kind: KindConflict, Msg: "h2c is HTTP/2 without TLS", Want: "either tls or h2c"})
		ok = false
	}
	return ln, ok
}

func (l *loader) listenAddress(item *node, w word, ln *Listener) bool {
	fail := func(msg, suggest string) bool {
		l.wordError(item, w, Diagnostic{Msg: msg, Want: wantListen, Suggest: suggest})
		return false
	}
	if path, ok := strings.CutPrefix(w.text, "unix:"); ok {
		ln.Network, ln.Addr = "unix", path
		switch {
		case path == "" || path[0] != '/' && path[0] != '@' || path == "@" || path == "/":
			return fail(strconv.Quote(w.text)+" does not name a socket by an absolute path", "")
		case len(path) > maxSocketPath:
			l.wordError(item, w, Diagnostic{
				Msg: "the socket's path has " + strconv.Itoa(len(path)) + " bytes, more than the kernel takes", Want: "at most " + strconv.Itoa(maxSocketPath),
			})
			return false
		}
		return true
	}
	colon := strings.LastIndexByte(w.text, ':')
	if colon < 0 {
		switch {
		case isPort(w.text):
			return fail(strconv.Quote(w.text)+" is not an address", ":"+w.text)
		case strings.HasPrefix(w.text, "/"):
			return fail(strconv.Quote(w.text)+" is not an address", "unix:"+w.text)
		}
		if _, err := netip.ParseAddr(w.text); err == nil {
			return fail(strconv.Quote(w.text)+" has no port", w.text+":80")
		}
		return fail(strconv.Quote(w.text)+" is not an address", "")
	}
	host, port := w.text[:colon], w.text[colon+1:]
	if scheme, rest, ok := strings.Cut(w.text, "://"); ok {
		suggest := ""
		if i := strings.LastIndexByte(rest, ':'); i >= 0 && isPort(strings.TrimRight(rest[i+1:], "/")) {
			suggest = strings.TrimRight(rest[i:], "/")
		}
		return fail("an address has no scheme, and "+strconv.Quote(scheme+"://")+" is one", suggest)
	}
	if addr, err := netip.ParseAddr(w.text); err == nil && addr.Is6() && strings.Count(w.text, ":") > 1 {
		return fail("the IPv6 address "+strconv.Quote(w.text)+" has no brackets and port", "["+w.text+"]:80")
	}
	if !isPort(port) {
		l.errorIn(item, w.off+colon+1, len(port), Diagnostic{Msg: strconv.Quote(port) + " is not a port", Want: "a number from 0 to 65535"})
		return false
	}
	if host == "" {
		ln.Addr = ":" + port
		return true
	}
	if host == "*" || host == "0" {
		return fail(strconv.Quote(host)+" is not an IP address", ":"+port)
	}
	if host == "localhost" {
		return fail(`"localhost" may be more than one address`, "127.0.0.1:"+port)
	}
	bare := strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	addr, err := netip.ParseAddr(bare)
	if err != nil || addr.Is6() != (bare != host) {
		l.errorIn(item, w.off, len(host), Diagnostic{Msg: strconv.Quote(host) + " is not an IP address", Want: wantListen})
		return false
	}
	if addr.Zone() != "" {
		l.errorIn(item, w.off, len(host), Diagnostic{Msg: "an address with a zone cannot be listened to", Want: wantListen})
		return false
	}
	n, _ := strconv.Atoi(port)
	ln.Addr = netip.AddrPortFrom(addr, uint16(n)).String()
	return true
}

// isPort says that s is a number from 0 to 65535 in its shortest form.
func isPort(s string) bool {
	n, err := quantity.Int(s, 0, 65535)
	return err == nil && strconv.Itoa(n) == s
}

// finishListen fills in the default address.
func (l *loader) finishListen() {
	for _, f := range l.files {
		if f.root != nil && f.root.get("listen") != nil {
			return
		}
	}
	l.cfg.Listen = []Listener{{Network: "tcp", Addr: DefaultListen}}
}
