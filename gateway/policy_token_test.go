package gateway

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anygate/anygate/engine"
	"github.com/anygate/anygate/policy/privacypass"
	"github.com/anygate/anygate/telemetry"
)

// tokenIssuer makes tokens as a client has them in the end: a blind signature
// that was unblinded is the one that the key makes directly.
type tokenIssuer struct {
	private *rsa.PrivateKey
	key     *privacypass.Key
	nonce   byte
}

var issuerKey = sync.OnceValue(func() *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return k
})

func newTokenIssuer(t testing.TB) *tokenIssuer {
	t.Helper()
	i := &tokenIssuer{private: issuerKey()}
	der, err := x509.MarshalPKIXPublicKey(&i.private.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	if i.key, err = privacypass.NewBlindRSAKey(der); err != nil {
		t.Fatal(err)
	}
	return i
}

// sharedLedger is the ledger of a test.
type sharedLedger struct {
	mu    sync.Mutex
	spent privacypass.Spent
}

func (l *sharedLedger) Has(window int64, id privacypass.TokenID) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.spent.Has(window, id)
}

func (l *sharedLedger) Add(window int64, id privacypass.TokenID) privacypass.Outcome {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.spent.Add(window, id)
}

func (i *tokenIssuer) policy(t testing.TB, l privacypass.Ledger) *privacypass.Policy {
	t.Helper()
	p, err := privacypass.New(privacypass.Options{
		Type: privacypass.BlindRSA, Issuer: "issuer.example", Origins: []string{"h"}, Window: 5 * time.Minute,
		Secret: []byte("secret"), Keys: []*privacypass.Key{i.key},
		Ledger: func([32]byte) privacypass.Ledger { return l },
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// answer makes the Authorization field that answers a challenge.
func (i *tokenIssuer) answer(t testing.TB, challenge string) string {
	t.Helper()
	_, rest, ok := strings.Cut(challenge, `PrivateToken challenge="`)
	encoded, _, closed := strings.Cut(rest, `"`)
	raw, err := base64.URLEncoding.DecodeString(encoded)
	if !ok || !closed || err != nil {
		t.Fatalf("%q is no challenge: %v", challenge, err)
	}
	i.nonce++
	digest, id := sha256.Sum256(raw), i.key.ID()
	token := append([]byte{0, 2}, bytes.Repeat([]byte{i.nonce}, 32)...)
	token = append(append(token, digest[:]...), id[:]...)
	sum := sha512.Sum384(token)
	sig, err := rsa.SignPSS(rand.Reader, i.private, crypto.SHA384, sum[:], &rsa.PSSOptions{SaltLength: 48})
	if err != nil {
		t.Fatal(err)
	}
	return `Authorization: PrivateToken token="` + base64.URLEncoding.EncodeToString(append(token, sig...)) + "\"\r\n"
}

// tokens gives routes a policy that asks for tokens of an issuer.
func (w *world) askForTokens(heads ...string) *tokenIssuer {
	i := newTokenIssuer(w.t)
	p := i.policy(w.t, &sharedLedger{})
	w.tokens = map[string]*privacypass.Policy{}
	for _, h := range heads {
		w.tokens[h] = p
	}
	return i
}

// challenged asks for something without a token, and returns the challenge.
func (c *client) challenged(line, fields string) string {
	c.w.t.Helper()
	r := c.ask(line, fields)
	challenge := r.fields.Get("Www-Authenticate")
	if r.status != 401 || challenge == "" || r.fields.Get("Cache-Control") != "no-store" {
		c.w.t.Fatalf("%s: %d %v", line, r.status, r.fields)
	}
	return challenge
}

// TestTokens redeems tokens for every action.
func TestTokens(t *testing.T) {
	dir := siteDir(t, map[string]string{"a.txt": "content"})
	forEachEngine(t, func(t *testing.T, w *world) {
		w.access, w.settings.AccessLog = telemetry.NewRing(1<<16), LogJSON
		i := w.askForTokens("/fixed", "/f/", "/p/", "/echo", "/old/*", "CONNECT /")
		w.upstream("up", echoing())
		w.serve("/fixed: OK good", "/f/: "+dir+"/", "/p/: http://up", "/echo: *", "/old/*: MOVED /new/*", "/free: OK free", "CONNECT /: FORBIDDEN no")
		c := w.client()
		challenge := c.challenged("GET /fixed", "")
		if !strings.HasSuffix(challenge, `", max-age=300`) {
			t.Errorf("the challenge is %s", challenge)
		}
		for _, row := range []struct {
			line, fields, content string
			status                int
			want                  string
		}{
			{"GET /fixed", "", "", 200, "good"},
			{"GET /f/a.txt", "Range: bytes=3-\r\n", "", 206, "tent"},
			{"GET /old/x", "", "", 301, "Moved Permanently\n"},
			{"POST /p/a", "Content-Length: 5\r\n", "hello", 200, "POST /p/a hello"},
			{"POST /p/a", "Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\n\r\n", 200, "POST /p/a hello"},
			{"POST /echo", "Content-Length: 5\r\n", "12345", 200, "12345"},
			{"DELETE /fixed", "Content-Length: 5\r\n", "12345", 200, "good"},
		} {
			c := w.client()
			c.send(row.line + req + row.fields + i.answer(t, challenge) + "\r\n" + row.content)
			r := c.response("GET")
			content := r.content
			if row.line == "POST /echo" {
				_, content, _ = strings.Cut(content, "\r\n\r\n")
				if !strings.Contains(r.content, "Authorization: ***\r\n") {
					t.Errorf("the echo is %s", r.content)
				}
			}
			if r.status != row.status || content != row.want {
				t.Errorf("%s: %d %q", row.line, r.status, r.content)
			}
			c.close()
		}
		if r := c.ask("GET /free", ""); r.status != 200 {
			t.Errorf("a route that asks for nothing answers %d", r.status)
		}
		if r := c.ask("HEAD /fixed", ""); r.status != 401 || r.fields.Get("Www-Authenticate") == "" {
			t.Errorf("HEAD: %d %v", r.status, r.fields)
		}
		c.close()
		c = w.client()
		c.send("CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n")
		if got := string(c.rest()); !strings.HasPrefix(got, "HTTP/1.1 401 ") {
			t.Errorf("CONNECT: %q", got)
		}
	})
}

// TestTokensAreSpentOnce redeems a token on two connections, and wrong tokens.
func TestTokensAreSpentOnce(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		w.access, w.settings.AccessLog = telemetry.NewRing(1<<16), LogJSON
		i := w.askForTokens("/fixed")
		w.serve("/fixed: OK good")
		c, d := w.client(), w.client()
		challenge := c.challenged("GET /fixed", "Authorization: Basic dXNlcjpwYXNz\r\n")
		token := i.answer(t, challenge)
		if r := c.ask("GET /fixed", token); r.status != 200 {
			t.Errorf("a good token: %d", r.status)
		}
		d.challenged("GET /fixed", token)
		forged := strings.Replace(i.answer(t, challenge), `="AAIC`, `="AAID`, 1)
		c.challenged("GET /fixed", forged)
		c.challenged("GET /fixed", "Authorization: PrivateToken token=\"AAAA\"\r\n")
		// Of several the one counts that is for us.
		if r := c.ask("GET /fixed", "Authorization: Basic dXNlcjpwYXNz\r\nAuthorization: PrivateToken token=AAAA\r\n"+i.answer(t, challenge)); r.status != 200 {
			t.Errorf("a good token behind others: %d", r.status)
		}
		w.do(func() {}) // what the shard has done so far is in the ring
		log := strings.Split(strings.TrimSpace(logOf(t, w.access)), "\n")
		reasons := []string{"token_missing", "", "token_spent", "token_invalid", "token_invalid", ""}
		if len(log) != len(reasons) {
			t.Fatalf("the log is\n%s", strings.Join(log, "\n"))
		}
		for n, reason := range reasons {
			if !strings.Contains(log[n], fmt.Sprintf(`"reason":%q`, reason)) {
				t.Errorf("line %d is not about %q: %s", n, reason, log[n])
			}
		}
	})
}

// TestPipelinedTokens has requests behind one whose token is verified.
func TestPipelinedTokens(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		i := w.askForTokens("/fixed", "/p/")
		w.upstream("up", echoing())
		w.serve("/fixed: OK good", "/p/: http://up", "/free: OK free")
		c := w.client()
		challenge := c.challenged("GET /fixed", "")
		c.send("GET /fixed" + req + i.answer(t, challenge) + "\r\n" +
			"POST /p/x" + req + "Content-Length: 5\r\n" + i.answer(t, challenge) + "\r\nhello" +
			"GET /free" + req + "\r\nGET /fixed" + req + i.answer(t, challenge) + "\r\nGET /fixed" + req + "\r\n")
		for n, want := range []struct {
			status  int
			content string
		}{{200, "good"}, {200, "POST /p/x hello"}, {200, "free"}, {200, "good"}, {401, "401 Unauthorized\n"}} {
			if r := c.response("GET"); r.status != want.status || r.content != want.content {
				t.Errorf("response %d: %d %q", n, r.status, r.content)
			}
		}
		c.expectOpen()
	})
}

// TestTokenOfProxiedClient looks at what is said of a client whose request had
// to wait: all of it was borrowed from the head before.
func TestTokenOfProxiedClient(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		w.trustPeers()
		i := w.askForTokens("/p/")
		w.upstream("up", answering(tellsIdentity))
		w.serve("/p/: http://up")
		c := w.client()
		challenge := c.challenged("GET /p/x", "")
		r := c.ask("GET /p/x", "X-Forwarded-For: 203.0.113.9\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: public.example\r\n"+i.answer(t, challenge))
		if r.status != 200 || !strings.HasPrefix(r.content, "203.0.113.9, ") || !strings.Contains(r.content, "\nhttps\npublic.example\n") {
			t.Errorf("%d\n%s", r.status, r.content)
		}
	})
}

// TestTokensLost has clients go while their tokens are verified.
func TestTokensLost(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		i := w.askForTokens("/p/")
		w.upstream("up", echoing())
		w.serve("/p/: http://up")
		c := w.client()
		challenge := c.challenged("GET /p/x", "")
		for n := range 12 {
			d := w.client()
			d.send("POST /p/x" + req + "Content-Length: 5\r\n" + i.answer(t, challenge) + "\r\nhel")
			if n%3 == 0 && w.onSim() {
				w.steps(n)
			}
			d.abort()
		}
		if r := c.ask("GET /p/x", i.answer(t, challenge)); r.status != 200 {
			t.Errorf("%d", r.status)
		}
	})
}

// TestTokensBusy holds jobs back: there are only so many at a time, and nobody
// is kept waiting for ever.
func TestTokensBusy(t *testing.T) {
	w := newSimWorld(t, 1, engine.Faults{})
	w.limits.Connections, w.limits.Clients = redemptions+64, redemptions+32
	i := w.askForTokens("/fixed")
	var held []*Job
	holding, refusing := true, false
	w.jobs = func(j *Job) bool {
		if holding {
			held = append(held, j)
			return !refusing
		}
		j.Run()
		return j.Done()
	}
	w.serve("/fixed: OK good")
	c := w.client()
	challenge := c.challenged("GET /fixed", "")
	busy := func(c *client) {
		t.Helper()
		if r := c.response("GET"); r.status != 503 || r.fields.Get("Retry-After") != "1" {
			t.Fatalf("%d %v", r.status, r.fields)
		}
		c.expectOpen()
	}
	token := i.answer(t, challenge)
	var waiting []*client
	for range redemptions {
		d := w.client()
		d.send("GET /fixed" + req + token + "\r\n")
		waiting = append(waiting, d)
	}
	w.eventually("all tokens wait", func() bool { return len(held) == redemptions })
	c.send("GET /fixed" + req + token + "\r\n")
	busy(c)
	w.advance(redemptionPatience + time.Second)
	for _, d := range waiting {
		busy(d)
	}
	c.send("GET /fixed" + req + token + "\r\n")
	busy(c)
	for _, j := range held {
		w.aside(j.Run, j.Done)
	}
	w.eventually("no token waits", func() bool { return len(w.g.redeeming) == 0 })
	refusing = true
	c.send("GET /fixed" + req + i.answer(t, challenge) + "\r\n")
	busy(c)
	holding = false
	if r := c.ask("GET /fixed", i.answer(t, challenge)); r.status != 200 {
		t.Errorf("%d", r.status)
	}
}

// fullLedger has no room.
type fullLedger struct{}

func (fullLedger) Has(int64, privacypass.TokenID) bool                { return false }
func (fullLedger) Add(int64, privacypass.TokenID) privacypass.Outcome { return privacypass.Full }

// TestFullLedger has a token for which there is no room.
func TestFullLedger(t *testing.T) {
	forEachEngine(t, func(t *testing.T, w *world) {
		i := w.askForTokens("/fixed")
		w.tokens["/fixed"] = i.policy(t, fullLedger{})
		w.serve("/fixed: OK good")
		c := w.client()
		if r := c.ask("GET /fixed", i.answer(t, c.challenged("GET /fixed", ""))); r.status != 503 || r.fields.Get("Retry-After") != "1" {
			t.Errorf("%d %v", r.status, r.fields)
		}
	})
}

// TestTokenAllocations counts the allocations of the whole process while
// tokens are missing, accepted, and refused. The verification itself is left
// out: it does not run on the shard.
func TestTokenAllocations(t *testing.T) {
	for _, row := range []struct {
		name    string
		outcome privacypass.Outcome
		token   bool
		status  string
	}{{"missing", 0, false, " 401 "}, {"good", privacypass.Redeemed, true, " 200 "}, {"spent", privacypass.Double, true, " 401 "}} {
		t.Run(row.name, func(t *testing.T) {
			forEachLoop(t, func(t *testing.T, w *world) {
				i := w.askForTokens("/fixed")
				jobs := make(chan *Job, 1)
				var done atomic.Int64
				go func() {
					for j := range jobs {
						for !j.Done() {
							runtime.Gosched()
						}
						done.Add(1)
					}
				}()
				t.Cleanup(func() { close(jobs) })
				w.jobs = func(j *Job) bool {
					jobs <- j
					return true
				}
				w.serve("/fixed: OK good")
				w.do(func() {
					r := w.g.newRedemption()
					r.outcome = row.outcome // stays, because nobody runs the job
					w.g.freeRedemption(r)
				})
				c := w.client()
				request := "GET /fixed" + req + "\r\n"
				if challenge := c.challenged("GET /fixed", ""); row.token {
					request = "GET /fixed" + req + i.answer(t, challenge) + "\r\n"
				}
				asking, in := []byte(request), make([]byte, 4096)
				round := func() {
					if _, err := c.conn.Write(asking); err != nil {
						t.Fatal(err)
					}
					n, err := c.conn.Read(in)
					if err != nil || !bytes.Contains(in[:min(n, 16)], []byte(row.status)) {
						t.Fatalf("%q, %v", in[:n], err)
					}
				}
				for range 100 {
					round()
				}
				const requests = 2000
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				for range requests {
					round()
				}
				runtime.ReadMemStats(&after)
				if n := after.Mallocs - before.Mallocs; n > 100 {
					t.Errorf("%d allocations in %d requests", n, requests)
				}
				if row.token && done.Load() < requests {
					t.Errorf("%d jobs", done.Load())
				}
				c.close()
			})
		})
	}
}
