package soak

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/anygate/anygate/test/internal/origin"
)

// patience is how long a client waits for anything. The machine may have other things to do.
const patience = 60 * time.Second

// pace is how long a client rests at most between two requests: the load is bounded, so that what grows has another cause.
const pace = 60 * time.Millisecond

// load is all clients of a server.
type load struct {
	*tally
	plain, secure string // addresses
	trusting      *tls.Config
	partner       *tls.Config // with a certificate of the client
	running       sync.WaitGroup
}

func newLoad(s *site, plain, secure string) *load {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(s.authority.PEM())
	l := &load{tally: newTally(), plain: plain, secure: secure, trusting: &tls.Config{RootCAs: roots, ServerName: "soak.test"}}
	l.partner = l.trusting.Clone()
	l.partner.Certificates = []tls.Certificate{*s.client.TLS()}
	return l
}

// start makes all clients ask, until the context ends.
func (l *load) start(ctx context.Context) {
	for n := range 6 {
		l.http1(ctx, fmt.Sprint("http1-", n), nil)
	}
	for n := range 2 {
		l.http1(ctx, fmt.Sprint("https1-", n), l.trusting)
		l.http1(ctx, fmt.Sprint("https1-partner-", n), l.partner)
		l.http2(ctx, fmt.Sprint("h2c-", n), nil)
		l.http2(ctx, fmt.Sprint("h2-", n), l.trusting)
		l.http2(ctx, fmt.Sprint("h2-partner-", n), l.partner)
	}
	l.running.Go(func() { l.fresh(ctx) })
	for n := range 3 {
		l.running.Go(func() { l.socket(ctx, n) })
	}
	for _, path := range []string{"/static/large.blob", fmt.Sprint("/up/pattern/", largeSize), fmt.Sprint("/two/pattern/", largeSize)} {
		l.running.Go(func() { l.download(ctx, path) })
	}
}

// rest is the pace of a client, which nothing waits for.
func rest(r *rand.Rand) { time.Sleep(time.Duration(r.Int64N(int64(pace)))) }

// source is what a client draws from, another one for each name, and the same in each run.
func source(name string) *rand.Rand {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name))
	return rand.New(rand.NewPCG(h.Sum64(), 0))
}

// dial connects, with TLS if there is a configuration for it.
func (l *load) dial(secure *tls.Config, protocol string) (net.Conn, error) {
	if secure == nil {
		return net.DialTimeout("tcp", l.plain, patience)
	}
	c := secure.Clone()
	c.NextProtos = []string{protocol}
	return tls.DialWithDialer(&net.Dialer{Timeout: patience}, "tcp", l.secure, c)
}

func (a *ask) request(scheme string) *http.Request {
	q, err := http.NewRequest(a.method, scheme+"://soak.test"+a.path, nil)
	if err != nil {
		panic(err)
	}
	if a.content != nil {
		q.Body, q.ContentLength = io.NopCloser(bytes.NewReader(a.content)), int64(len(a.content))
	}
	for i := 0; i < len(a.fields); i += 2 {
		q.Header.Set(a.fields[i], a.fields[i+1])
	}
	return q
}

// take reads a response, and enters it.
func (l *load) take(who string, a *ask, r *http.Response) bool {
	content, err := io.ReadAll(r.Body)
	_ = r.Body.Close()
	if err == nil {
		err = a.judge(r, content)
	}
	l.enter(a.name, r.StatusCode)
	if err != nil {
		l.fail("%s: %s: %v", who, a.name, err)
		return false
	}
	return true
}

// http1 is a client with a connection that it keeps for as long as it may.
func (l *load) http1(ctx context.Context, who string, secure *tls.Config) {
	l.running.Go(func() {
		r := source(who)
		all := asks(secure == l.partner)
		var c net.Conn
		var in *bufio.Reader
		for ctx.Err() == nil {
			if c == nil {
				var err error
				if c, err = l.dial(secure, "http/1.1"); err != nil {
					l.fail("%s: %v", who, err)
					rest(r)
					c = nil
					continue
				}
				in = bufio.NewReader(c)
			}
			a := pick(r, all)
			_ = c.SetDeadline(time.Now().Add(patience))
			q := a.request("http")
			sent := q.Write(c)
			resp, err := http.ReadResponse(in, q)
			if err != nil {
				l.fail("%s: %s: %v, %v", who, a.name, sent, err)
			}
			if err != nil || !l.take(who, a, resp) || resp.Close {
				_ = c.Close()
				c = nil
			}
			rest(r)
		}
		if c != nil {
			_ = c.Close()
		}
	})
}

// http2 is a client that has several requests under way on one connection.
func (l *load) http2(ctx context.Context, who string, secure *tls.Config) {
	const streams = 3
	l.running.Go(func() {
		all := asks(secure == l.partner)
		transport := &http.Transport{TLSClientConfig: secure, DisableCompression: true, Protocols: new(http.Protocols)}
		transport.Protocols.SetHTTP2(true)
		scheme, address := "https", l.secure
		if secure == nil {
			transport.Protocols.SetHTTP2(false)
			transport.Protocols.SetUnencryptedHTTP2(true)
			scheme, address = "http", l.plain
		}
		for ctx.Err() == nil {
			// A connection of its own, on which nothing is repeated behind the test's back.
			conn, err := transport.NewClientConn(ctx, scheme, address)
			if err != nil {
				if ctx.Err() == nil {
					l.fail("%s: %v", who, err)
				}
				continue
			}
			var asking sync.WaitGroup
			for n := range streams {
				asking.Go(func() {
					r := source(fmt.Sprint(who, "-", n))
					for ctx.Err() == nil {
						a := pick(r, all)
						if !l.stream(who, conn, a, scheme) {
							return
						}
						rest(r)
					}
				})
			}
			asking.Wait()
			_ = conn.Close()
		}
	})
}

func (l *load) stream(who string, conn *http.ClientConn, a *ask, scheme string) bool {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	resp, err := conn.RoundTrip(a.request(scheme).WithContext(ctx))
	if err != nil {
		l.fail("%s: %s: %v", who, a.name, err)
		return false
	}
	if resp.ProtoMajor != 2 {
		l.fail("%s: %s: %s", who, a.name, resp.Proto)
	}
	return l.take(who, a, resp)
}

// fresh is a client that connects for each request, in turn with TLS and without.
func (l *load) fresh(ctx context.Context) {
	r := source("fresh")
	all := asks(false)
	for i := 0; ctx.Err() == nil; i++ {
		secure := l.trusting
		if i%2 == 0 {
			secure = nil
		}
		a := pick(r, all)
		if err := l.once(a, secure); err != nil {
			l.fail("a connection of its own: %s: %v", a.name, err)
		}
		rest(r)
	}
}

func (l *load) once(a *ask, secure *tls.Config) error {
	c, err := l.dial(secure, "http/1.1")
	if err != nil {
		return err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(patience))
	q := a.request("http")
	q.Close = true
	_ = q.Write(c) // A refusal may come before all is sent.
	resp, err := http.ReadResponse(bufio.NewReader(c), q)
	if err != nil {
		return err
	}
	l.take("a connection of its own", a, resp)
	return nil
}

// socket is a client of WebSockets, with one after the other.
func (l *load) socket(ctx context.Context, n int) {
	r := source(fmt.Sprint("socket-", n))
	for ctx.Err() == nil {
		if err := l.converse(ctx, r); err != nil {
			l.fail("a WebSocket: %v", err)
		}
	}
}

func (l *load) converse(until context.Context, r *rand.Rand) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	defer cancel()
	c, resp, err := websocket.Dial(ctx, "ws://"+l.plain+"/up/socket", &websocket.DialOptions{CompressionMode: websocket.CompressionContextTakeover})
	if err != nil {
		return err
	}
	defer func() { _ = c.CloseNow() }()
	l.enter("WebSocket", resp.StatusCode)
	c.SetReadLimit(1 << 20)
	for i := 0; i < 500 && until.Err() == nil; i++ {
		message := much[:r.IntN(len(much))]
		if err := c.Write(ctx, websocket.MessageBinary, message); err != nil {
			return err
		}
		if _, got, err := c.Read(ctx); err != nil || !bytes.Equal(got, message) {
			return fmt.Errorf("%d bytes came back as %d, %w", len(message), len(got), err)
		}
		l.enter("message", 0)
		rest(r)
	}
	return c.Close(websocket.StatusNormalClosure, "enough")
}

// download is a client that reads something large, slowly.
func (l *load) download(ctx context.Context, path string) {
	r := source(path)
	for ctx.Err() == nil {
		if err := l.fetch(ctx, r, path); err != nil {
			l.fail("the download of %s: %v", path, err)
		}
	}
}

func (l *load) fetch(ctx context.Context, r *rand.Rand, path string) error {
	c, err := l.dial(nil, "")
	if err != nil {
		return err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(5 * patience))
	q := (&ask{path: path}).request("http")
	if err := q.Write(c); err != nil {
		return err
	}
	resp, err := http.ReadResponse(bufio.NewReaderSize(c, 32<<10), q)
	if err != nil {
		return err
	}
	if resp.StatusCode != 200 {
		return errors.New(resp.Status)
	}
	l.enter("download", resp.StatusCode)
	var check origin.Checker
	n := int64(0)
	for n < largeSize {
		into := io.Writer(&check)
		if path == "/static/large.blob" {
			into = io.Discard
		}
		k, err := io.CopyN(into, resp.Body, min(largeSize-n, 256<<10))
		n += k
		if err != nil {
			return fmt.Errorf("after %d bytes: %w", n, err)
		}
		if ctx.Err() == nil {
			rest(r)
		}
	}
	return nil
}
