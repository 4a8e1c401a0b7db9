package certificates

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ocsp"

	"github.com/anygate/anygate/telemetry"
	"github.com/anygate/anygate/tlsedge/certificate"
)

// The bounds of asking for OCSP responses.
const (
	// ocspTimeout bounds one request.
	ocspTimeout = 10 * time.Second
	// ocspMost bounds a response; real ones have some 500 bytes to 2 KiB.
	ocspMost = 64 << 10
	// ocspAtOnce is how many responders are asked at the same time.
	ocspAtOnce = 4
	// ocspSkew is by how much the responder's clock may be ahead.
	ocspSkew = 5 * time.Minute
	// ocspDefault is when a response without an end is asked for again.
	ocspDefault = 12 * time.Hour
	// Failures are tried again after ocspRetry, then ever more seldom up to ocspSeldom.
	ocspRetry, ocspSeldom = time.Minute, time.Hour
)

// staple is a response that says that a certificate is not revoked. It is immutable.
type staple struct {
	raw []byte
	// until is when it ends, and renew when the next one is asked for.
	until, renew time.Time
}

// proof is how a certificate's next response is got.
type proof struct {
	due      time.Time // of the next attempt
	failures int
	busy     bool // an attempt is under way
	settled  bool // there is nothing to ask, and that has been said
}

// responders are where to ask about a certificate.
func responders(p *certificate.Pair) (list []string) {
	for _, url := range p.Leaf().OCSPServer {
		if strings.HasPrefix(url, "http://") || strings.HasPrefix(url, "https://") {
			list = append(list, url)
		}
	}
	return list
}

// stapling asks for responses when they are due, until ctx ends.
func (s *Set) stapling(ctx context.Context) {
	tick := time.NewTicker(s.every)
	defer tick.Stop()
	for {
		var asking sync.WaitGroup
		for _, p := range s.dueProofs() {
			asking.Go(func() { s.prove(ctx, p.pair, p.of) })
		}
		asking.Wait()
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// dueProof is a pair whose response is due, and the certificate that it had then.
type dueProof struct {
	pair *pair
	of   *certificate.Pair
}

// dueProofs returns the pairs whose response is due, and drops responses that have ended.
func (s *Set) dueProofs() (due []dueProof) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now, ended := s.now(), false
	for _, p := range s.pairs {
		if p.staple != nil && now.After(p.staple.until) {
			p.staple, ended = nil, true
			s.say(telemetry.Warn, "the OCSP response of a certificate has ended, and there is no newer one", telemetry.String("certificate", p.config.Cert.Name))
		}
		if p.proof.busy || p.proof.settled || now.Before(p.proof.due) || len(due) == ocspAtOnce {
			continue
		}
		if p.staple != nil && p.proof.failures == 0 && now.Before(p.staple.renew) {
			p.proof.due = p.staple.renew
			continue
		}
		switch {
		case len(responders(p.pair)) == 0:
			// Many authorities have given up OCSP: nothing is missing.
			p.proof.settled = true
		case p.pair.Issuer() == nil:
			p.proof.settled = true
			s.say(telemetry.Warn, "no OCSP response can be asked for without the issuer's certificate in the file", telemetry.String("certificate", p.config.Cert.Name))
		default:
			p.proof.busy = true
			due = append(due, dueProof{p, p.pair})
		}
	}
	if ended {
		s.store.Replace(s.table())
	}
	return due
}

// prove asks for the response of one pair.
func (s *Set) prove(ctx context.Context, p *pair, of *certificate.Pair) {
	fresh, err := s.ask(ctx, of)
	if ctx.Err() != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.pair != of {
		return // replaced meanwhile, and with it its proof
	}
	now := s.now()
	p.proof.busy = false
	file := telemetry.String("certificate", p.config.Cert.Name)
	if err != nil {
		n := p.proof.failures
		p.proof.failures++
		p.proof.due = now.Add(min(ocspRetry<<min(n, 10), ocspSeldom))
		if revoked := (*revokedError)(nil); errors.As(err, &revoked) {
			p.staple = nil
			s.store.Replace(s.table())
			s.say(telemetry.Error, "a certificate is revoked: clients that look will refuse it", file, telemetry.String("since", revoked.since.UTC().Format(time.RFC3339)))
			return
		}
		if n&(n+1) == 0 { // the first, second, fourth... failure
			why := "no OCSP response: the certificate is shown without one"
			switch {
			case p.staple != nil:
				why = "no new OCSP response: the old one stays until it ends"
			case of.MustStaple:
				why = "no OCSP response, and the certificate says that clients are to refuse it without one"
			}
			s.say(telemetry.Warn, why, file, telemetry.Int("failures", int64(n+1)), telemetry.String("error", err.Error()))
		}
		return
	}
	if p.proof.failures > 0 {
		s.say(telemetry.Info, "there is an OCSP response again", file, telemetry.Int("failures", int64(p.proof.failures)))
	}
	p.staple, p.proof.failures, p.proof.due = fresh, 0, fresh.renew
	s.store.Replace(s.table())
	if err := s.keep(of, fresh.raw); err != nil {
		s.say(telemetry.Warn, "an OCSP response cannot be kept: after a restart it is asked for again", telemetry.String("error", err.Error()))
	}
}

// ask asks the certificate's responders, one after the other.
func (s *Set) ask(ctx context.Context, p *certificate.Pair) (*staple, error) {
	request, err := ocsp.CreateRequest(p.Leaf(), p.Issuer(), nil)
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, url := range responders(p) {
		raw, err := s.post(ctx, url, request)
		if err == nil {
			var fresh *staple
			if fresh, err = judge(raw, p, s.now()); err == nil {
				return fresh, nil
			}
		}
		if revoked := (*revokedError)(nil); errors.As(err, &revoked) {
			return nil, err
		}
		errs = append(errs, fmt.Errorf("%s: %w", url, err))
	}
	return nil, errors.Join(errs...)
}

// post sends a request (RFC 6960, appendix A).
func (s *Set) post(ctx context.Context, url string, request []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, ocspTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(request))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/ocsp-request")
	r.Header.Set("Accept", "application/ocsp-response")
	response, err := s.client.Do(r)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the responder answers with the status %d", response.StatusCode)
	}
	raw, err := io.ReadAll(io.LimitReader(response.Body, ocspMost+1))
	if err == nil && len(raw) > ocspMost {
		err = errors.New("the response is too long")
	}
	return raw, err
}

// revokedError says that the authority has revoked a certificate.
type revokedError struct{ since time.Time }

func (e *revokedError) Error() string { return "the certificate is revoked" }

// judge verifies a response: that the certificate's issuer has signed it, or named who may, that it is about this
// certificate, and that it is of now. Clients do so again.
func judge(raw []byte, p *certificate.Pair, now time.Time) (*staple, error) {
	r, err := ocsp.ParseResponseForCert(raw, p.Leaf(), p.Issuer())
	switch {
	case err != nil:
		return nil, err
	case r.Status == ocsp.Revoked:
		return nil, &revokedError{r.RevokedAt}
	case r.Status != ocsp.Good:
		return nil, errors.New("the responder does not know the certificate")
	case r.ThisUpdate.After(now.Add(ocspSkew)):
		return nil, errors.New("the response is of the future")
	case r.NextUpdate.IsZero():
		return &staple{raw, now.Add(2 * ocspDefault), now.Add(ocspDefault)}, nil
	case !r.NextUpdate.After(now):
		return nil, errors.New("the response has ended already")
	}
	// Half of its time, and somewhat earlier or later on each machine of a fleet.
	half := r.NextUpdate.Sub(r.ThisUpdate) / 2
	renew := r.ThisUpdate.Add(half - half/10 + rand.N(half/5+1))
	if renew.Before(now) {
		renew = now.Add(r.NextUpdate.Sub(now) / 2)
	}
	return &staple{raw, r.NextUpdate, renew}, nil
}

// cacheFile is where the response of a certificate is kept.
func (s *Set) cacheFile(p *certificate.Pair) string {
	if s.config.OCSP.Cache == nil {
		return ""
	}
	sum := sha256.Sum256(p.Leaf().Raw)
	return filepath.Join(s.config.OCSP.Cache.Name, hex.EncodeToString(sum[:])+".ocsp")
}

// cached is the response that an earlier process has kept, nil if there is none that is still good.
func (s *Set) cached(p *pair) *staple {
	name := s.cacheFile(p.pair)
	if name == "" || p.pair.Issuer() == nil {
		return nil
	}
	raw, err := os.ReadFile(name)
	if err != nil {
		return nil
	}
	kept, err := judge(raw, p.pair, s.now())
	if err != nil {
		return nil
	}
	return kept
}

// keep writes a response for the next process.
func (s *Set) keep(p *certificate.Pair, raw []byte) error {
	name := s.cacheFile(p)
	if name == "" {
		return nil
	}
	return writeFile(name, raw)
}

// writeFile puts a whole file in its place, or none, in a directory that is made if need be.
func writeFile(name string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(name), ".new-*")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}

// inherit takes over the response that the Set before has for the same certificate.
func (p *pair) inherit(previous *Set) {
	if previous == nil || p.staple != nil {
		return
	}
	previous.mu.Lock()
	defer previous.mu.Unlock()
	for _, other := range previous.pairs {
		if other.staple != nil && bytes.Equal(other.pair.Leaf().Raw, p.pair.Leaf().Raw) {
			p.staple = other.staple
			return
		}
	}
}
