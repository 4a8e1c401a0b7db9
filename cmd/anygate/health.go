package main

import (
	"context"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/anygate/anygate/config"
	"github.com/anygate/anygate/control/remote"
)

// healthTimeout is how long a check waits unless it is told otherwise: less than container runtimes give it.
const healthTimeout = 2 * time.Second

// checkHealth asks a server whether it answers, for supervisors that have no client of HTTP: an image made from scratch
// has only this program.
func checkHealth(t terminal, args []string) int {
	var process running
	timeout := healthTimeout
	words, err := parse(t, "health", args, 1, func(f *flag.FlagSet) {
		process.define(f)
		f.DurationVar(&timeout, "timeout", healthTimeout, "how long to wait")
	})
	switch {
	case err != nil:
		return exitOf(err)
	case len(words) > 0 && process != running{}:
		fmt.Fprintf(t.err, "anygate health: %s and %s exclude each other\n", words[0], process.option())
		return exitUsage
	case timeout <= 0:
		fmt.Fprintln(t.err, "anygate health: the timeout is not a time")
		return exitUsage
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	if len(words) > 0 {
		return asked(t, askURL(ctx, words[0]))
	}
	socket, err := process.socket()
	if errors.Is(err, errNoConfig) {
		// What is served without a configuration is served there.
		return asked(t, askListener(ctx, config.Listener{Network: "tcp", Addr: config.DefaultListen}))
	}
	if err != nil {
		return failed(t, err)
	}
	// The process itself knows best. What the file says by now may be another thing than what is served: when a new
	// configuration is wrong the one before stays, and a supervisor that killed the process for it would make an outage of
	// a mistake.
	answer, _, err := remote.Ask(ctx, socket, remote.Request{Do: remote.Health, Anywhere: process.control != ""})
	switch {
	case err == nil && answer.OK:
		return exitOK
	case err == nil && (answer.Looked || process.control != ""):
		return asked(t, errors.New(answer.Text))
	case err != nil && (process.control != "" || ctx.Err() != nil):
		return asked(t, err)
	}
	// It has no control socket, or another container's process has the name, or it does not listen to this user: root's process
	// listens to nobody but root.
	name, err := locate(process.file)
	if err != nil {
		return failed(t, err)
	}
	cfg := load(t, name)
	if cfg == nil {
		return exitFailure
	}
	return asked(t, askConfigured(ctx, cfg))
}

func asked(t terminal, err error) int {
	if err != nil {
		return failed(t, fmt.Errorf("health: %w", err))
	}
	return exitOK
}

// askURL wants a status of success from a URL.
func askURL(ctx context.Context, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	if req.URL.Host == "" || req.URL.Scheme != "http" && req.URL.Scheme != "https" {
		return fmt.Errorf("%q is not a URL such as http://127.0.0.1:8080/healthz", url)
	}
	status, err := roundTrip(req, nil)
	if err == nil && (status < 200 || status > 299) {
		err = fmt.Errorf("%s answers with %d", url, status)
	}
	return err
}

// askConfigured asks at the address of `admin`, which knows of all shards, or else at the first one that can be asked.
func askConfigured(ctx context.Context, cfg *config.Config) error {
	if cfg.Admin != nil && len(cfg.Admin.Listen) > 0 {
		return askAdmin(ctx, cfg.Admin.Listen[0])
	}
	for _, ln := range cfg.Listen {
		if ln.ProxyProtocol || ln.H2C {
			continue // Speaks only to those who say whom they speak for, or only HTTP/2.
		}
		return askListener(ctx, ln)
	}
	return errors.New("every address of the configuration expects the PROXY protocol or HTTP/2; name a URL")
}

// askAdmin asks whether all shards answer.
func askAdmin(ctx context.Context, ln config.Listener) error {
	address := reachable(ln)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://localhost/healthz", nil)
	if err != nil {
		return err
	}
	status, err := roundTrip(req, dialTo(ln.Network, address))
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("%s answers with %d", address, status)
	}
	return err
}

// dialTo connects to an address, whatever the URL says.
func dialTo(network, address string) func(ctx context.Context, network, addr string) (net.Conn, error) {
	return func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, address)
	}
}

// askListener wants any answer at all: what answers has an event loop that turns, and one that turns requests away for a
// while, because there are too many, is not helped by being restarted.
func askListener(ctx context.Context, ln config.Listener) error {
	scheme := "http"
	if ln.TLS {
		scheme = "https"
	}
	address := reachable(ln)
	req, err := http.NewRequestWithContext(ctx, http.MethodOptions, scheme+"://localhost", nil)
	if err != nil {
		return err
	}
	req.URL.Opaque = "*"
	if _, err = roundTrip(req, dialTo(ln.Network, address)); err != nil {
		return fmt.Errorf("%s does not answer: %w", address, err)
	}
	return nil
}

// reachable is an address at which this machine reaches a listener.
func reachable(ln config.Listener) string {
	if ln.Network != "tcp" {
		return ln.Addr
	}
	if strings.HasPrefix(ln.Addr, ":") {
		return "localhost" + ln.Addr
	}
	if ap, err := netip.ParseAddrPort(ln.Addr); err == nil && ap.Addr().IsUnspecified() {
		loopback := netip.AddrFrom4([4]byte{127, 0, 0, 1})
		if ap.Addr().Is6() {
			loopback = netip.IPv6Loopback()
		}
		return netip.AddrPortFrom(loopback, ap.Port()).String()
	}
	return ln.Addr
}

// roundTrip makes a request and returns the status of the answer. Certificates are not verified: whom a check reaches is
// this machine, by a name that no certificate has.
func roundTrip(req *http.Request, dial func(ctx context.Context, network, addr string) (net.Conn, error)) (int, error) {
	req.Header.Set("User-Agent", "anygate-health/"+versionNumber)
	req.Close = true
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	transport := &http.Transport{
		DialContext: dial, Proxy: nil, Protocols: &protocols, DisableKeepAlives: true,
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return 0, err
	}
	resp.Body.Close()
	return resp.StatusCode, nil
}
