package bundle

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// fixedKey is always the same one, so that manifests of tests can be compared.
func fixedKey(n byte) *PrivateKey {
	return newPrivateKey([2][32]byte{{0: n, 31: 1}, {0: n, 31: 2}})
}

func file(name, text string) File {
	return File{Name: name, Size: int64(len(text)), Sum: sha256.Sum256([]byte(text))}
}

func sample() *Manifest {
	return &Manifest{
		Config: "anygate.yml", Sequence: 1784678400000,
		Created: time.Date(2026, 7, 22, 0, 0, 0, 0, time.UTC), Expires: time.Date(2026, 10, 20, 0, 0, 0, 0, time.UTC),
		Files: []File{file("../keys/a.pem", "key"), file("anygate.yml", "routes: {/: OK}\n"), file("conf.d/\"a\" b.yml", "")},
		Open:  []string{"/etc/ssl/live.pem", "certs/live.key"},
	}
}

func signedSample(t testing.TB, k *PrivateKey) []byte {
	t.Helper()
	text, err := k.Sign(sample())
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestManifestIsWhatTheDocumentationShows compares the encoding with literal bytes: servers and signers of different
// versions have to agree about it.
func TestManifestIsWhatTheDocumentationShows(t *testing.T) {
	k := fixedKey(1)
	text := signedSample(t, k)
	body, _, _ := bytes.Cut(text, []byte("signature "))
	want := `anygate manifest v1
key ` + k.Public().ID().String() + `
config "anygate.yml"
sequence 1784678400000
created 2026-07-22T00:00:00Z
expires 2026-10-20T00:00:00Z
file 2c70e12b7a0646f92279f427c7b38e7334d8e5389cff167a1dc30e73f826b683 3 "../keys/a.pem"
file ` + fmt.Sprintf("%x", sha256.Sum256([]byte("routes: {/: OK}\n"))) + ` 16 "anygate.yml"
file e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 0 "conf.d/\"a\" b.yml"
open "/etc/ssl/live.pem"
open "certs/live.key"
`
	if string(body) != want {
		t.Errorf("the manifest is\n%s\nand not\n%s", body, want)
	}
	m, err := Verify(text, []*PublicKey{fixedKey(2).Public(), k.Public()})
	if err != nil {
		t.Fatal(err)
	}
	if got := m.encode(); string(got) != want {
		t.Errorf("it is read as\n%s", got)
	}
}

// TestEveryByteCounts changes each byte of a signed manifest: header, key, statements, and both signatures.
func TestEveryByteCounts(t *testing.T) {
	k := fixedKey(1)
	text := signedSample(t, k)
	keys := []*PublicKey{k.Public()}
	step := 1
	if testing.Short() {
		step = 7
	}
	for i := 0; i < len(text); i += step {
		changed := bytes.Clone(text)
		changed[i] ^= 1
		if _, err := Verify(changed, keys); err == nil {
			t.Fatalf("a manifest with byte %d changed, %q, is verified", i, text[max(0, i-10):i+1])
		}
	}
	for i := range len(text) {
		if i%97 == 0 || i > len(text)-8 {
			if _, err := Verify(text[:i], keys); err == nil {
				t.Fatalf("the first %d bytes are verified", i)
			}
			if _, err := Verify(append(bytes.Clone(text[:i]), append([]byte{'\n'}, text[i:]...)...), keys); err == nil {
				t.Fatalf("an empty line at %d is read over", i)
			}
		}
	}
}

// TestBothSignatures replaces each signature by a good one of another manifest, or of another key.
func TestBothSignatures(t *testing.T) {
	k, other := fixedKey(1), fixedKey(2)
	text := string(signedSample(t, k))
	changed := sample()
	changed.Sequence++
	second, err := k.Sign(changed)
	if err != nil {
		t.Fatal(err)
	}
	foreign := string(signedSample(t, other))
	body, sigs, _ := strings.Cut(text, edLine)
	ed, ml, _ := strings.Cut(sigs, mlLine)
	ed = edLine + ed
	ml = mlLine + ml
	lines := func(s string) (string, string) {
		_, sigs, _ := strings.Cut(s, edLine)
		e, m, _ := strings.Cut(sigs, mlLine)
		return edLine + e, mlLine + m
	}
	secondEd, secondML := lines(string(second))
	foreignEd, foreignML := lines(foreign)
	keys := []*PublicKey{k.Public(), other.Public()}
	if _, err := Verify([]byte(body+ed+ml), keys); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		text string
		want error
	}{
		"Ed25519 of another manifest":   {body + secondEd + ml, errSignature},
		"ML-DSA of another manifest":    {body + ed + secondML, errSignature},
		"Ed25519 of another key":        {body + foreignEd + ml, errSignature},
		"ML-DSA of another key":         {body + ed + foreignML, errSignature},
		"no Ed25519":                    {body + ml, errNoManifest},
		"no ML-DSA":                     {body + ed, errNoManifest},
		"neither":                       {body, errNoManifest},
		"in another order":              {body + ml + ed, errNoManifest},
		"Ed25519 twice":                 {body + ed + ed + ml, errSignature},
		"a line behind":                 {body + ed + ml + "x\n", errNoManifest},
		"an empty signature":            {body + edLine + "\n" + ml, errNoManifest},
		"zeros":                         {body + edLine + base64.StdEncoding.EncodeToString(make([]byte, 64)) + "\n" + ml, errSignature},
		"carriage returns":              {strings.ReplaceAll(text, "\n", "\r\n"), errNoManifest},
		"a manifest of another version": {strings.Replace(text, " v1\n", " v2\n", 1), errNoManifest},
		"nothing":                       {"", errNoManifest},
	} {
		if _, err := Verify([]byte(c.text), keys); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	var untrusted *ErrUntrusted
	if _, err := Verify([]byte(text), []*PublicKey{other.Public()}); !errors.As(err, &untrusted) || untrusted.Key != k.Public().ID() {
		t.Errorf("the error about an unknown key is %v", err)
	}
	// Whoever has one of the private keys of a pair can sign nothing for it.
	half := newPrivateKey([2][32]byte{k.seeds[0], other.seeds[1]})
	mixed := &PublicKey{id: half.public.id, ed25519: k.public.ed25519, mldsa: k.public.mldsa}
	if _, err := Verify(signedSample(t, half), []*PublicKey{mixed}); !errors.Is(err, errSignature) {
		t.Errorf("half a pair: %v", err)
	}
}

// TestMalformedManifests signs what is wrong, as a signer with a fault would.
func TestMalformedManifests(t *testing.T) {
	for name, change := range map[string]func(m *Manifest){
		"no sequence":          func(m *Manifest) { m.Sequence = 0 },
		"no main file":         func(m *Manifest) { m.Config = "other.yml" },
		"a file twice":         func(m *Manifest) { m.Files = append(m.Files, m.Files[2]) },
		"a file open as well":  func(m *Manifest) { m.Open = []string{"anygate.yml"} },
		"files not sorted":     func(m *Manifest) { m.Files[0], m.Files[1] = m.Files[1], m.Files[0] },
		"open not sorted":      func(m *Manifest) { m.Open[0], m.Open[1] = m.Open[1], m.Open[0] },
		"a name with a detour": func(m *Manifest) { m.Files[2].Name = "conf.d/../x" },
		"an empty name":        func(m *Manifest) { m.Open[0] = "" },
		"a name with a NUL":    func(m *Manifest) { m.Files[2].Name = "x\x00y" },
		"a size below zero":    func(m *Manifest) { m.Files[0].Size = -1 },
		"a file too large":     func(m *Manifest) { m.Files[0].Size = maxFileBytes + 1 },
		"too large in all": func(m *Manifest) {
			for i := range maxTotalBytes/maxFileBytes + 1 {
				m.Files = append(m.Files, File{Name: fmt.Sprintf("x%03d", i), Size: maxFileBytes})
			}
		},
		"too many files": func(m *Manifest) {
			for i := range maxEntries + 1 {
				m.Files = append(m.Files, File{Name: fmt.Sprintf("x%06d", i)})
			}
		},
	} {
		m := sample()
		change(m)
		if _, err := fixedKey(1).Sign(m); !errors.Is(err, errMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	good := string(sample().encode())
	for name, text := range map[string]string{
		"another order":     strings.Replace(good, "sequence 1784678400000\ncreated 2026-07-22T00:00:00Z\n", "created 2026-07-22T00:00:00Z\nsequence 1784678400000\n", 1),
		"a leading zero":    strings.Replace(good, "sequence 1", "sequence 01", 1),
		"capital digits":    strings.Replace(good, "file 2c70e1", "file 2C70E1", 1),
		"another zone":      strings.Replace(good, "2026-07-22T00:00:00Z", "2026-07-22T02:00:00+02:00", 1),
		"another quote":     strings.Replace(good, `"certs/live.key"`, "`certs/live.key`", 1),
		"an unknown line":   good + "more x\n",
		"a statement twice": strings.Replace(good, "sequence 1784678400000\n", "sequence 1784678400000\nsequence 1784678400000\n", 1),
		"no last line end":  strings.TrimSuffix(good, "\n"),
		"an empty line":     good + "\n",
	} {
		if text == good {
			t.Fatalf("%s: nothing is changed", name)
		}
		if _, err := parseManifest([]byte(text)); !errors.Is(err, errMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestKeys(t *testing.T) {
	k := GenerateKey()
	again, err := ParsePrivateKey(k.Encode())
	if err != nil || again.public.id != k.public.id {
		t.Fatalf("a private key is not read as it was written: %v", err)
	}
	two := append(k.Public().Encode(), fixedKey(1).Public().Encode()...)
	keys, err := ParsePublicKeys(append([]byte("# our keys\n"), two...))
	if err != nil || len(keys) != 2 || keys[0].id != k.public.id {
		t.Fatalf("public keys are not read as they were written: %v", err)
	}
	if m, err := Verify(signedSample(t, again), keys); err != nil || m.Key != k.public.id {
		t.Errorf("a key that was read does not verify what the other signs: %v", err)
	}
	public, private := string(k.Public().Encode()), string(k.Encode())
	for _, c := range []struct {
		name, text, want string
		parse            func([]byte) error
	}{
		{"a public key to sign", public, "takes the private one", private1},
		{"a private key to trust", private, "only the public one is needed", public1},
		{"no key to sign", "hello", "has no key", private1},
		{"no key to trust", "hello", "has no key", public1},
		{"a certificate to trust", strings.ReplaceAll(public, "ANYGATE ED25519 ML-DSA-65 PUBLIC KEY", "CERTIFICATE"), `a block "CERTIFICATE"`, public1},
		{"another key to sign", strings.ReplaceAll(private, "ANYGATE ED25519 ML-DSA-65 ", ""), `a block "PRIVATE KEY"`, private1},
		{"another ID", strings.Replace(public, "Id: ", "Id: 00", 1), "is damaged", public1},
		{"the ID of another", strings.Replace(private, k.public.id.String(), fixedKey(1).public.id.String(), 1), "is damaged", private1},
		{"no ID", strings.Replace(private, "Id: "+k.public.id.String(), "X: y", 1), "is damaged", private1},
		{"two private keys", private + private, "something behind", private1},
		{"a broken one behind a good one", public + "-----BEGIN X-----\n", "cannot be read", public1},
		{"cut off", string(encode(publicBlock, k.public.id, make([]byte, 32))), "cut off", public1},
		{"cut off", string(encode(privateBlock, k.public.id, make([]byte, 32))), "cut off", private1},
		{"too many", strings.Repeat(public, maxTrusted+1), "more than 32 keys", public1},
	} {
		if err := c.parse([]byte(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

func private1(text []byte) error {
	_, err := ParsePrivateKey(text)
	return err
}

func public1(text []byte) error {
	_, err := ParsePublicKeys(text)
	return err
}

func BenchmarkVerify(b *testing.B) {
	k := fixedKey(1)
	text := signedSample(b, k)
	keys := []*PublicKey{k.Public()}
	for b.Loop() {
		if _, err := Verify(text, keys); err != nil {
			b.Fatal(err)
		}
	}
}
