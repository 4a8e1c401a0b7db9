package privacypass

import (
	"bytes"
	"crypto/sha256"
	"strings"
	"testing"
	"time"
)

const noon = 1_800_000_000

func options(keys ...*Key) Options {
	return Options{
		Type: BlindRSA, Issuer: "issuer.example", Origins: []string{"origin.example"}, Window: 5 * time.Minute,
		Secret: []byte("secret"), Keys: keys, Ledger: ledgers(),
	}
}

// ledgers gives policies of the same identity the same ledger.
func ledgers() func([32]byte) Ledger {
	known := make(map[[32]byte]*Spent)
	return func(identity [32]byte) Ledger {
		if known[identity] == nil {
			known[identity] = &Spent{}
		}
		return known[identity]
	}
}

// TestWindows redeems a token at the edges of the time in which its challenge is accepted.
func TestWindows(t *testing.T) {
	i := newIssuer(t)
	p := must[*Policy](t)(New(options(i.key)))
	const start = noon / 300 * 300
	tok := i.token(t, p.at(start).digests[0], 1)
	for _, c := range []struct {
		name string
		unix int64
		want bool
	}{
		{"before", start - 1, false},
		{"the first second", start, true},
		{"the last of its window", start + 299, true},
		{"the first of the next", start + 300, true},
		{"the last of the next", start + 599, true},
		{"too late", start + 600, false},
		{"the first second, once more", start, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			var r Redemption
			if got := p.Accept(tok, c.unix, &r); got != c.want {
				t.Errorf("accepted: %v", got)
			}
			if c.want && r.window != start/300 {
				t.Errorf("it is redeemed in window %d", r.window)
			}
		})
	}
}

// TestOutcomes redeems tokens.
func TestOutcomes(t *testing.T) {
	i, other := newIssuer(t), newIssuer(t)
	p := must[*Policy](t)(New(options(i.key)))
	digest := p.at(noon).digests[0]
	run := func(tok *Token, unix int64) Outcome {
		var r Redemption
		if !p.Accept(tok, unix, &r) {
			t.Fatal("the token is not accepted")
		}
		return r.Run()
	}
	good := i.token(t, digest, 1)
	if got := run(good, noon); got != Redeemed {
		t.Errorf("a good token: %d", got)
	}
	if got := run(good, noon); got != Double {
		t.Errorf("the same token: %d", got)
	}
	if got := run(i.token(t, digest, 1), noon+1); got != Double {
		t.Errorf("the same token with another signature: %d", got)
	}
	forged := i.token(t, digest, 2)
	forged.raw[200] ^= 1
	if got := run(forged, noon); got != Invalid {
		t.Errorf("a forged token: %d", got)
	}
	if got := run(i.token(t, digest, 2), noon); got != Redeemed {
		t.Errorf("the token that was forged: %d", got)
	}
	var r Redemption
	if p.Accept(other.token(t, digest, 3), noon, &r) {
		t.Error("a token of another issuer is accepted")
	}
	if p.Accept(i.token(t, [32]byte{1}, 3), noon, &r) {
		t.Error("a token for another challenge is accepted")
	}
	rfc := vectors(t)[5]
	if p.Accept(rfc.presented(t), noon, &r) {
		t.Error("a token of type 1 is accepted")
	}
}

// TestKeysInRotation takes tokens of every key of the file, and asks for those of the first.
func TestKeysInRotation(t *testing.T) {
	first, second := newIssuer(t), newIssuer(t)
	p := must[*Policy](t)(New(options(first.key, second.key)))
	for n, i := range []*issuer{first, second} {
		var r Redemption
		if !p.Accept(i.token(t, p.at(noon).digests[0], byte(n)), noon, &r) || r.Run() != Redeemed {
			t.Errorf("the token of key %d is not taken", n)
		}
	}
	alone := must[*Policy](t)(New(options(first.key)))
	if !bytes.Equal(p.Field(noon), alone.Field(noon)) {
		t.Error("the challenge does not name the first key")
	}
	if p.identity() != alone.identity() {
		t.Error("the keys tell policies apart, so that a new key makes the old tokens good again")
	}
}

// TestIdentity changes each option that a challenge depends on.
func TestIdentity(t *testing.T) {
	i := newIssuer(t)
	seen := make(map[[32]byte]string)
	for name, change := range map[string]func(*Options){
		"nothing":    func(*Options) {},
		"the issuer": func(o *Options) { o.Issuer = "other.example" },
		"the origin": func(o *Options) { o.Origins = []string{"other.example"} },
		"origins":    func(o *Options) { o.Origins = append(o.Origins, "other.example") },
		"no origin":  func(o *Options) { o.Origins = nil },
		"the window": func(o *Options) { o.Window = time.Minute },
		"the secret": func(o *Options) { o.Secret = []byte("other") },
	} {
		o := options(i.key)
		change(&o)
		p := must[*Policy](t)(New(o))
		if other, twice := seen[p.identity()]; twice {
			t.Errorf("policies that differ in %s and %s have the same identity", name, other)
		}
		seen[p.identity()] = name
		if name != "nothing" {
			var r Redemption
			base := must[*Policy](t)(New(options(i.key)))
			if base.Accept(i.token(t, sha256.Sum256(p.challenge(nil, noon/int64(o.Window/time.Second))), 1), noon, &r) {
				t.Errorf("a token for a policy that differs in %s is accepted", name)
			}
		}
	}
}

func TestBadOptions(t *testing.T) {
	i := newIssuer(t)
	for _, c := range []struct {
		want   string
		change func(*Options)
	}{
		{"no name", func(o *Options) { o.Issuer = "" }},
		{"no key", func(o *Options) { o.Keys = nil }},
		{"seconds", func(o *Options) { o.Window = 0 }},
		{"seconds", func(o *Options) { o.Window = 1500 * time.Millisecond }},
		{"too long", func(o *Options) { o.Origins = []string{strings.Repeat("a", maxField)} }},
		{"stands among", func(o *Options) { o.Type = VOPRF }},
	} {
		o := options(i.key)
		c.change(&o)
		if _, err := New(o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("the error is %v, want %q", err, c.want)
		}
	}
}

// TestNothingIsAllocated looks at what runs on a shard.
func TestNothingIsAllocated(t *testing.T) {
	i := newIssuer(t)
	p := must[*Policy](t)(New(options(i.key)))
	tok := i.token(t, p.at(noon).digests[0], 1)
	value := credentials(tok)
	var parsed Token
	var r Redemption
	if n := testing.AllocsPerRun(100, func() {
		if _, ok := parsed.ParseCredentials(value); !ok || !p.Accept(&parsed, noon, &r) || len(p.Field(noon)) == 0 {
			t.Fatal("the token is not accepted")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestSpent(t *testing.T) {
	a, b := TokenID{1}, TokenID{2}
	var s Spent
	for i, step := range []struct {
		window int64
		id     TokenID
		want   Outcome
	}{
		{100, a, Redeemed},
		{100, a, Double},
		{100, b, Redeemed},
		{99, a, Redeemed},
		{99, a, Double},
		{98, a, Expired},
		{101, a, Redeemed},
		{100, a, Double},
		{99, b, Expired},
		{101, a, Double},
		{103, a, Redeemed},
		{102, a, Redeemed},
		{101, a, Expired},
	} {
		if got := s.Add(step.window, step.id); got != step.want {
			t.Errorf("step %d: %d, want %d", i, got, step.want)
		}
		if want := step.want != Expired; s.Has(step.window, step.id) != want {
			t.Errorf("step %d: it is remembered: %v", i, !want)
		}
	}
	if s.Has(104, a) {
		t.Error("a token is known before its window")
	}
}

// TestSpentIsBounded fills a window.
func TestSpentIsBounded(t *testing.T) {
	var s Spent
	for i := range spentLimit {
		s.Add(7, TokenID{byte(i), byte(i >> 8), byte(i >> 16)})
	}
	if got := s.Add(7, TokenID{15: 1}); got != Full {
		t.Errorf("one more token: %d", got)
	}
	if got := s.Add(7, TokenID{1}); got != Double {
		t.Errorf("a token of a full window: %d", got)
	}
	if got := s.Add(8, TokenID{15: 1}); got != Redeemed {
		t.Errorf("a token in the next window: %d", got)
	}
}

func BenchmarkVerify(b *testing.B) {
	list := vectors(b)
	for name, v := range map[string]*vector{"BlindRSA": &list[0], "VOPRF": &list[5]} {
		b.Run(name, func(b *testing.B) {
			k, tok := v.key(b), v.presented(b)
			for b.Loop() {
				if !k.Verify(tok) {
					b.Fatal("the token is not verified")
				}
			}
		})
	}
}

func BenchmarkAccept(b *testing.B) {
	i := newIssuer(b)
	p := must[*Policy](b)(New(options(i.key)))
	value := credentials(i.token(b, p.at(noon).digests[0], 1))
	var tok Token
	var r Redemption
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := tok.ParseCredentials(value); !ok || !p.Accept(&tok, noon, &r) {
			b.Fatal("the token is not accepted")
		}
	}
}
