package compare

import (
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// untold are fields of requests that the two servers set each in its own way.
var untold = []string{
	"Connection", "Keep-Alive", "Te", "Via", "Forwarded", "Accept-Encoding", "Content-Length", "User-Agent", "X-Forwarded-For",
	"X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Port", "Client-Cert", "X-Client-Cert-Subject", "X-Client-Cert-Fingerprint", "Upgrade",
}

// toldPrefix is what fields of responses begin with that tell of fields of requests.
const toldPrefix = "X-Told-"

// tell answers with what was asked.
func tell(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Powered-By", "origin")
	// What AnyGate sends always, and nginx where it is told to, is compared where nginx does.
	for _, name := range []string{"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Port"} {
		for _, value := range r.Header.Values(name) {
			w.Header().Add(toldPrefix+name, value)
		}
	}
	if r.Header.Get("Upgrade") == "websocket" {
		c, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
			_ = c.Close()
		}
		return
	}
	w.Header().Set("Content-Type", "text/plain")
	if _, code, ok := strings.Cut(r.URL.Path, "/status/"); ok {
		status, _ := strconv.Atoi(code)
		w.WriteHeader(status)
		fmt.Fprintf(w, "origin %d\n", status)
		return
	}
	content, _ := io.ReadAll(r.Body)
	fmt.Fprintf(w, "%s %s\nHost: %s\n", r.Method, r.RequestURI, r.Host)
	var lines []string
	for name, values := range r.Header {
		if !slices.Contains(untold, name) {
			lines = append(lines, fmt.Sprintf("%s: %s\n", name, strings.Join(values, ", ")))
		}
	}
	slices.Sort(lines)
	fmt.Fprintf(w, "%s\n%s\n", strings.Join(lines, ""), content)
}

// listenOrigin takes an address that is not promised to anybody.
func listenOrigin(t *testing.T, network, at string) net.Listener {
	t.Helper()
	for {
		l, err := net.Listen(network, at)
		if err != nil {
			t.Fatal(err)
		}
		if _, port, err := net.SplitHostPort(l.Addr().String()); err != nil || !promised[port] {
			return l
		}
		defer func() { _ = l.Close() }()
	}
}

// serveOrigin starts an upstream, which ends with the test.
func serveOrigin(t *testing.T, w *world, addr, network string, secure bool) string {
	t.Helper()
	at := "127.0.0.1:0"
	if network == "unix" {
		at = strings.TrimPrefix(addr, "unix:")
	}
	l := listenOrigin(t, network, at)
	s := &http.Server{Handler: http.HandlerFunc(tell), ErrorLog: log.New(io.Discard, "", 0)}
	if secure {
		issued := w.authority.Server("P-256", []string{"origin.internal"})
		l = tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{*issued.TLS()}})
	}
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close() })
	return l.Addr().String()
}
