package certificates

import (
	"crypto/x509"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"

	"github.com/anygate/anygate/config"
	"github.com/anygate/anygate/tlsedge/certificate/certtest"
)

// responder answers OCSP requests as it is told to.
type responder struct {
	*httptest.Server
	asked  atomic.Int64
	status atomic.Int64 // of http, or 0
	answer atomic.Pointer[func(*ocsp.Request) ocsp.Response]
	signer atomic.Pointer[certtest.Authority]
}

func newResponder(t *testing.T, w *world) *responder {
	r := &responder{}
	r.signer.Store(root)
	good := func(q *ocsp.Request) ocsp.Response {
		return ocsp.Response{Status: ocsp.Good, SerialNumber: q.SerialNumber, ThisUpdate: w.clock(), NextUpdate: w.clock().Add(24 * time.Hour)}
	}
	r.answer.Store(&good)
	r.Server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, q *http.Request) {
		r.asked.Add(1)
		body, err := io.ReadAll(q.Body)
		request, e := ocsp.ParseRequest(body)
		if err != nil || e != nil || q.Method != "POST" || q.Header.Get("Content-Type") != "application/ocsp-request" {
			http.Error(rw, "no OCSP request", 400)
			return
		}
		if s := int(r.status.Load()); s != 0 {
			http.Error(rw, "", s)
			return
		}
		signer := r.signer.Load()
		raw, err := ocsp.CreateResponse(signer.Cert, signer.Cert, (*r.answer.Load())(request), signer.Key)
		if err != nil {
			t.Error(err)
		}
		rw.Write(raw)
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *responder) of(t *x509.Certificate) { t.OCSPServer = []string{"ldap://x", r.URL} }

// stapled is what a client is shown.
func stapled(t *testing.T, s *Set) []byte {
	t.Helper()
	state, err := shake(trust(root, "a.example"), serverConfig(s))
	if err != nil {
		t.Fatal(err)
	}
	return state.OCSPResponse
}

// TestStapling has responses fetched, renewed, kept and dropped.
func TestStapling(t *testing.T) {
	w := newWorld(t)
	r := newResponder(t, w)
	leaf := root.Server("P-256", []string{"a.example"}, r.of)
	leaf.Chain = append(leaf.Chain, root.PEM()...)
	cache := w.file("ocsp")
	cfg := &config.TLS{Certificates: []config.Certificate{w.pair("a", leaf)}, OCSP: config.OCSP{Staple: true, Cache: &cache}}
	s := w.open(cfg)
	if stapled(t, s) != nil {
		t.Error("there is a response before it was asked for")
	}
	s.Run(w.log)
	t.Cleanup(s.Close)
	waitFor(t, "a response", func() bool { return !s.Status()[0].Stapled.IsZero() })
	first := stapled(t, s)
	if response, err := ocsp.ParseResponseForCert(first, leaf.Cert, root.Cert); err != nil || response.Status != ocsp.Good {
		t.Fatalf("the response is %v, %v", response, err)
	}

	// A new process has what the old one has kept, and need not ask.
	asked := r.asked.Load()
	again := w.open(cfg)
	if string(stapled(t, again)) != string(first) {
		t.Error("the response is not kept")
	}
	if due := again.dueProofs(); len(due) != 0 {
		t.Error("a response that is good is asked for")
	}
	if r.asked.Load() != asked {
		t.Error("the responder is asked at once")
	}
	if next, err := Open(Options{Config: &config.TLS{Certificates: cfg.Certificates, OCSP: config.OCSP{Staple: true}, Tickets: cfg.Tickets}, ReadFile: os.ReadFile, Now: w.clock, Previous: s}); err != nil || string(stapled(t, next)) != string(first) {
		t.Errorf("the response does not survive a reload: %v", err)
	}

	// Somebody who damages what is kept gains nothing.
	files, err := filepath.Glob(filepath.Join(w.dir, "ocsp", "*.ocsp"))
	if err != nil || len(files) != 1 {
		t.Fatalf("%q, %v", files, err)
	}
	if err := os.WriteFile(files[0], first[:len(first)-1], 0o600); err != nil {
		t.Fatal(err)
	}
	if stapled(t, w.open(cfg)) != nil {
		t.Error("a damaged response is shown")
	}

	// After half of its time it is renewed.
	w.pass(15 * time.Hour)
	waitFor(t, "a newer response", func() bool { return string(stapled(t, s)) != string(first) })
	if said := w.heard(); said != "" {
		t.Errorf("said %q", said)
	}

	// A responder that fails is asked again, ever more seldom; the old response stays until it ends.
	r.status.Store(500)
	w.pass(15 * time.Hour)
	waitFor(t, "the failure to be told", func() bool { return strings.Contains(w.heard(), "the old one stays until it ends") })
	if stapled(t, s) == nil {
		t.Error("a failure drops the response")
	}
	w.pass(15 * time.Hour)
	// Only then may the clock go on: the next attempt is reckoned from the failure.
	waitFor(t, "the next failure to be told", func() bool { return strings.Contains(w.heard(), "the certificate is shown without one") })
	if stapled(t, s) != nil {
		t.Error("a response is shown that has ended")
	}
	r.status.Store(0)
	w.pass(2 * time.Hour)
	waitFor(t, "the responder to be back", func() bool { return stapled(t, s) != nil })
	waitFor(t, "that to be told", func() bool { return strings.Contains(w.heard(), "there is an OCSP response again") })

	// Another certificate has no response of the old one's.
	other := root.Server("P-256", []string{"a.example"}, r.of)
	r.status.Store(500)
	w.put("a.key", other.KeyPEM)
	w.put("a.pem", append(other.Chain, root.PEM()...))
	waitFor(t, "the certificate to be replaced", func() bool { return shown(t, s, "a.example") == serial(other) })
	if stapled(t, s) != nil {
		t.Error("the response of another certificate is shown")
	}
}

// TestNoStaple is about certificates for which no response comes.
func TestNoStaple(t *testing.T) {
	stranger := certtest.NewAuthority("stranger")
	for _, c := range []struct {
		name   string
		change func(w *world, r *responder)
		edit   certtest.Edit
		alone  bool
		said   string
	}{
		{name: "no responder", edit: func(t *x509.Certificate) { t.OCSPServer = nil }},
		{name: "no issuer", alone: true, said: "without the issuer's certificate"},
		{name: "an error", change: func(_ *world, r *responder) { r.status.Store(404) }, said: "no OCSP response: the certificate is shown without one"},
		{name: "a stranger's", change: func(_ *world, r *responder) { r.signer.Store(stranger) }, said: "no OCSP response"},
		{name: "revoked", change: func(w *world, r *responder) {
			r.give(func(q *ocsp.Request) ocsp.Response {
				return ocsp.Response{Status: ocsp.Revoked, SerialNumber: q.SerialNumber, ThisUpdate: w.clock(), NextUpdate: w.clock().Add(time.Hour), RevokedAt: w.clock()}
			})
		}, said: "a certificate is revoked"},
		{name: "unknown", change: func(w *world, r *responder) {
			r.give(func(q *ocsp.Request) ocsp.Response {
				return ocsp.Response{Status: ocsp.Unknown, SerialNumber: q.SerialNumber, ThisUpdate: w.clock(), NextUpdate: w.clock().Add(time.Hour)}
			})
		}, said: "no OCSP response"},
		{name: "of yesterday", change: func(w *world, r *responder) {
			r.give(func(q *ocsp.Request) ocsp.Response {
				return ocsp.Response{Status: ocsp.Good, SerialNumber: q.SerialNumber, ThisUpdate: w.clock().Add(-2 * time.Hour), NextUpdate: w.clock().Add(-time.Hour)}
			})
		}, said: "no OCSP response"},
		{name: "of tomorrow", change: func(w *world, r *responder) {
			r.give(func(q *ocsp.Request) ocsp.Response {
				return ocsp.Response{Status: ocsp.Good, SerialNumber: q.SerialNumber, ThisUpdate: w.clock().Add(2 * time.Hour), NextUpdate: w.clock().Add(3 * time.Hour)}
			})
		}, said: "no OCSP response"},
		{name: "gone", change: func(_ *world, r *responder) { r.Close() }, said: "no OCSP response"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			r := newResponder(t, w)
			edits := []certtest.Edit{r.of}
			if c.edit != nil {
				edits = append(edits, c.edit)
			}
			leaf := root.Server("P-256", []string{"a.example"}, edits...)
			if !c.alone {
				leaf.Chain = append(leaf.Chain, root.PEM()...)
			}
			if c.change != nil {
				c.change(w, r)
			}
			s := w.open(&config.TLS{Certificates: []config.Certificate{w.pair("a", leaf)}, OCSP: config.OCSP{Staple: true}})
			for _, due := range s.dueProofs() {
				s.prove(t.Context(), due.pair, due.of)
			}
			if said := w.heard(); !strings.Contains(said, c.said) || c.said == "" && said != "" {
				t.Errorf("said %q", said)
			}
			if stapled(t, s) != nil {
				t.Error("there is a response")
			}
			if due := s.dueProofs(); len(due) > 0 {
				t.Error("it is asked for again at once")
			}
		})
	}
}

func (r *responder) give(answer func(*ocsp.Request) ocsp.Response) { r.answer.Store(&answer) }
