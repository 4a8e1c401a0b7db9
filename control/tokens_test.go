package control

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/cloudflare/circl/oprf"

	"github.com/anygate/anygate/config"
	"github.com/anygate/anygate/policy/privacypass"
)

// tokenMaker makes tokens of one type, and the file that verifies them.
type tokenMaker struct {
	file string
	id   [32]byte
	sign func(input []byte) []byte
}

func newTokenMaker(t *testing.T, typ privacypass.Type) *tokenMaker {
	t.Helper()
	fatal := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	m := &tokenMaker{}
	if typ == privacypass.VOPRF {
		k, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
		fatal(err)
		der, err := x509.MarshalPKCS8PrivateKey(k)
		fatal(err)
		m.file = string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
		scalar, err := k.Bytes()
		fatal(err)
		var private oprf.PrivateKey
		fatal(private.UnmarshalBinary(oprf.SuiteP384, scalar))
		server := oprf.NewVerifiableServer(oprf.SuiteP384, &private)
		m.sign = func(input []byte) []byte { return issue(t, &server, private.Public(), input) }
	} else {
		k, err := rsa.GenerateKey(rand.Reader, 2048)
		fatal(err)
		der, err := x509.MarshalPKIXPublicKey(&k.PublicKey)
		fatal(err)
		m.file = string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
		m.sign = func(input []byte) []byte {
			sum := sha512.Sum384(input)
			sig, err := rsa.SignPSS(rand.Reader, k, crypto.SHA384, sum[:], &rsa.PSSOptions{SaltLength: 48})
			fatal(err)
			return sig
		}
	}
	keys, err := privacypass.ParseKeys(typ, []byte(m.file))
	fatal(err)
	m.id = keys[0].ID()
	return m
}

// issue goes through the issuance of a token of type 1 (RFC 9578, section 5): the client blinds, the issuer evaluates,
// the client verifies that and takes the blinding off.
func issue(t *testing.T, server *oprf.VerifiableServer, public *oprf.PublicKey, input []byte) []byte {
	t.Helper()
	client := oprf.NewVerifiableClient(oprf.SuiteP384, public)
	state, request, err := client.Blind([][]byte{input})
	if err != nil {
		t.Fatal(err)
	}
	evaluation, err := server.Evaluate(request)
	if err != nil {
		t.Fatal(err)
	}
	outputs, err := client.Finalize(state, evaluation)
	if err != nil {
		t.Fatal(err)
	}
	return outputs[0]
}

// token answers a challenge.
func (m *tokenMaker) token(t *testing.T, challenge string, nonce byte) string {
	t.Helper()
	_, rest, _ := strings.Cut(challenge, `challenge="`)
	encoded, _, _ := strings.Cut(rest, `"`)
	raw, err := base64.URLEncoding.DecodeString(encoded)
	if err != nil || len(raw) < 2 {
		t.Fatalf("%q is no challenge: %v", challenge, err)
	}
	digest := sha256.Sum256(raw)
	input := append(raw[:2:2], bytes.Repeat([]byte{nonce}, 32)...)
	input = append(append(input, digest[:]...), m.id[:]...)
	return `PrivateToken token="` + base64.URLEncoding.EncodeToString(append(input, m.sign(input)...)) + `"`
}

func (r *running) withToken(path, token string) (status int, challenge string) {
	r.t.Helper()
	req, err := http.NewRequest("GET", "http://"+r.Addresses()[0]+path, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", token)
	}
	// A connection for each, so that all shards have some.
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode, resp.Header.Get("WWW-Authenticate")
}

const withTokens = `
listen: "127.0.0.1:0"
server: {engine: %s, shards: 2}
routes:
  "/two":   OK | token two.pem issuer issuer.example origin localhost
  "/again": OK | token two.pem issuer issuer.example origin localhost
  "/one":   OK | token one.pem issuer issuer.example type 1 cross-origin maxage 1m
`

// TestTokensOfAllShards redeems tokens of both types, each on many connections at once: only one of them gets through.
func TestTokensOfAllShards(t *testing.T) {
	makers := map[string]*tokenMaker{"/one": newTokenMaker(t, privacypass.VOPRF), "/two": newTokenMaker(t, privacypass.BlindRSA)}
	dir := t.TempDir()
	write(t, dir, "one.pem", makers["/one"].file)
	write(t, dir, "two.pem", makers["/two"].file)
	engines(t, func(t *testing.T, engine string) {
		r := start(t, dir, fmt.Sprintf(withTokens, engine))
		for path, m := range makers {
			status, challenge := r.withToken(path, "")
			if status != 401 || !strings.HasPrefix(challenge, "PrivateToken challenge=") {
				t.Fatalf("%s: %d %q", path, status, challenge)
			}
			for nonce := range byte(3) {
				token := m.token(t, challenge, nonce)
				var wait sync.WaitGroup
				statuses := make([]int, 12)
				for i := range statuses {
					wait.Go(func() { statuses[i], _ = r.withToken(path, token) })
				}
				wait.Wait()
				good := 0
				for _, status := range statuses {
					switch status {
					case 200:
						good++
					case 401:
					default:
						t.Errorf("%s: %d", path, status)
					}
				}
				if good != 1 {
					t.Errorf("%s: a token was good %d times", path, good)
				}
			}
		}
		// A policy is the same on every route that has it.
		_, challenge := r.withToken("/again", "")
		token := makers["/two"].token(t, challenge, 100)
		if status, _ := r.withToken("/again", token); status != 200 {
			t.Errorf("/again: %d", status)
		}
		if status, _ := r.withToken("/two", token); status != 401 {
			t.Errorf("the token of /again on /two: %d", status)
		}
	})
}

// TestTokenFiles compiles what is wrong with the files of a policy.
func TestTokenFiles(t *testing.T) {
	dir := t.TempDir()
	m := newTokenMaker(t, privacypass.BlindRSA)
	write(t, dir, "good.pem", m.file)
	write(t, dir, "text.pem", "hello, world!\n")
	write(t, dir, "short.key", "secret\n")
	write(t, dir, "long.key", strings.Repeat("secret", 10))
	t.Setenv("TOKEN_SHORT", "secret")
	t.Setenv("TOKEN_LONG", strings.Repeat("secret", 10))
	for _, c := range []struct{ args, want string }{
		{"good.pem issuer i", ""},
		{"good.pem issuer i secret long.key", ""},
		{"good.pem issuer i secret TOKEN_LONG", ""},
		{"text.pem issuer i", "test.yml:2:3: the policy \"token text.pem issuer i origin h\": text.pem: the file is neither PEM nor base64"},
		{"good.pem issuer i type 1", "only be verified with the issuer's private key"},
		{"good.pem issuer i secret short.key", "the secret in short.key has 7 bytes, fewer than 32"},
		{"good.pem issuer i secret TOKEN_SHORT", "the secret in TOKEN_SHORT has 6 bytes"},
		{"good.pem issuer i secret TOKEN_NONE", "the environment variable TOKEN_NONE is not set"},
	} {
		cfg := parse(t, dir, "routes:\n  \"h/\": OK | token "+c.args+"\n")
		gen, err := Compile(cfg, NewRegistry(nil))
		if c.want != "" {
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: %v, want %q", c.args, err, c.want)
			}
			continue
		}
		if err != nil || gen.Routes[0].Token == nil {
			t.Errorf("%s: %v", c.args, err)
		}
	}
}

// TestTokensOutliveAConfiguration compiles one configuration after the other: challenges of the one before are good, and
// what was redeemed is known. Policies that are gone for good are forgotten.
func TestTokensOutliveAConfiguration(t *testing.T) {
	dir := t.TempDir()
	m := newTokenMaker(t, privacypass.BlindRSA)
	write(t, dir, "k.pem", m.file)
	reg := NewRegistry(nil)
	compile := func(routes string) *privacypass.Policy {
		t.Helper()
		gen, err := Compile(parse(t, dir, "routes: {"+routes+"}\n"), reg)
		if err != nil {
			t.Fatal(err)
		}
		return gen.Routes[0].Token
	}
	const now = 1_800_000_000
	var tok privacypass.Token
	redeem := func(p *privacypass.Policy) privacypass.Outcome {
		t.Helper()
		var r privacypass.Redemption
		if !p.Accept(&tok, now, &r) {
			t.Fatal("the token is not accepted")
		}
		return r.Run()
	}
	const asking = `h/: "OK | token k.pem issuer i"`
	first := compile(asking)
	if _, ok := tok.ParseCredentials([]byte(m.token(t, string(first.Field(now)), 1))); !ok {
		t.Fatal("the token is not taken")
	}
	if got := redeem(first); got != privacypass.Redeemed {
		t.Errorf("a good token: %d", got)
	}
	if got := redeem(compile(asking)); got != privacypass.Double {
		t.Errorf("after another configuration: %d", got)
	}
	compile("/: OK")
	if got := redeem(compile(asking)); got != privacypass.Double {
		t.Errorf("after a configuration without the policy: %d", got)
	}
	compile("/: OK")
	compile("/: OK")
	compile("/: OK")
	if n := len(reg.tokens.ledgers); n != 0 {
		t.Errorf("%d ledgers are kept", n)
	}
	var other config.Config
	if _, err := other.ReadFile("x"); err == nil {
		t.Error("a configuration that came from nowhere reads files")
	}
}
