package certificates

import (
	"bytes"
	"crypto/tls"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/anygate/anygate/config"
)

func echWorld(t *testing.T) (*world, *config.TLS) {
	w := newWorld(t)
	return w, &config.TLS{
		Certificates: []config.Certificate{
			w.pair("edge", root.Server("P-256", []string{"edge.example"})),
			w.pair("a", root.Server("P-256", []string{"hidden.example", "*.wild.example", "10.0.0.1"})),
		},
		ECH: &config.ECH{PublicName: "edge.example", Keys: w.file("keys"), Rotate: time.Hour, Keep: 2},
	}
}

// TestECH hides a name, in every state that the client's knowledge of keys can be in.
func TestECH(t *testing.T) {
	w, cfg := echWorld(t)
	s := w.open(cfg)
	client := trust(root, "hidden.example")
	hides := func(what string, list []byte) {
		t.Helper()
		client.EncryptedClientHelloConfigList = list
		state, err := shake(client, serverConfig(s))
		if err != nil || !state.ECHAccepted || state.PeerCertificates[0].DNSNames[0] != "hidden.example" {
			t.Errorf("%s: accepted %v, %v", what, state.ECHAccepted, err)
		}
	}
	first := s.ECHConfigList()
	hides("the first key", first)

	w.pass(time.Hour)
	s.Look()
	if said := w.heard(); !strings.Contains(said, `"anygate ech" prints it`) {
		t.Errorf("said %q", said)
	}
	second := s.ECHConfigList()
	if bytes.Equal(first, second) {
		t.Fatal("the key is not rotated")
	}
	hides("the key before", first)
	hides("the new key", second)

	w.pass(time.Hour)
	s.Look()
	client.EncryptedClientHelloConfigList = first
	_, err := shake(client, serverConfig(s))
	var rejected *tls.ECHRejectionError
	if !errors.As(err, &rejected) || !bytes.Equal(rejected.RetryConfigList, s.ECHConfigList()) {
		t.Errorf("an old key: %v", err)
	}
	hides("the retry configuration", rejected.RetryConfigList)

	// Who does not know of it is served as ever, also with TLS 1.2.
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		plain := trust(root, "hidden.example")
		plain.MaxVersion = version
		if state, err := shake(plain, serverConfig(s)); err != nil || state.ECHAccepted {
			t.Errorf("%x: %v", version, err)
		}
	}

	// Another process has the same keys, and the directory no more than are in use.
	again := w.open(cfg)
	if !bytes.Equal(again.ECHConfigList(), s.ECHConfigList()) {
		t.Error("another process has other keys")
	}
	if files, _ := filepath.Glob(filepath.Join(w.dir, "keys", "*")); len(files) != 2 {
		t.Errorf("there are the files %q", files)
	}
	if info, err := os.Stat(filepath.Join(w.dir, "keys")); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the directory is %v", info.Mode())
	}
}

// TestSharedKeys has two servers share a directory: one of them makes the next key, and both take it.
func TestSharedKeys(t *testing.T) {
	w, cfg := echWorld(t)
	a, b := w.open(cfg), w.open(cfg)
	for range 5 {
		w.pass(time.Hour)
		a.Look()
		b.Look()
		look(a)
		look(b)
		if !bytes.Equal(a.ECHConfigList(), b.ECHConfigList()) {
			t.Fatal("the servers have different keys")
		}
	}
	w.heard()
	// A key that somebody else puts there is taken too, as OpenSSL writes it.
	text, err := b.ech.newKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	w.write("keys/theirs.pem", text)
	if err := os.Chtimes(filepath.Join(w.dir, "keys/theirs.pem"), w.clock(), w.clock()); err != nil {
		t.Fatal(err)
	}
	look(a)
	if said := w.heard(); !strings.Contains(said, "have changed") {
		t.Errorf("said %q", said)
	}
	w.write("keys/broken.pem", []byte("x"))
	look(a)
	look(a)
	if said := w.heard(); strings.Count(said, "the old ones stay") != 1 {
		t.Errorf("said %q", said)
	}
}

func TestRecords(t *testing.T) {
	w, cfg := echWorld(t)
	s := w.open(cfg)
	for _, h2 := range []bool{false, true} {
		got := s.Records([]uint16{443, 8443}, h2)
		for i := range got {
			got[i], _, _ = strings.Cut(got[i], " ech=\"AE")
		}
		want := []string{
			"hidden.example. 300 IN HTTPS 1 .", "_8443._https.hidden.example. 300 IN HTTPS 1 hidden.example.", "*.wild.example. 300 IN HTTPS 1 .",
		}
		for i := range want {
			if h2 {
				want[i] += ` alpn="h2"`
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("HTTP/2 %v: %q", h2, got)
		}
	}
	if s := w.open(&config.TLS{}); s.Records([]uint16{443}, true) != nil || s.ECHConfigList() != nil || s.ECH() != nil {
		t.Error("without ECH there is something of it")
	}
}

func TestReadECH(t *testing.T) {
	w, cfg := echWorld(t)
	s := w.open(cfg)
	one, _ := s.ech.newKey(nil)
	two, _ := s.ech.newKey(nil)
	key := func(b []byte) []byte { return b[:bytes.Index(b, []byte("-----BEGIN ECHCONFIG"))] }
	list := func(b []byte) []byte { return b[bytes.Index(b, []byte("-----BEGIN ECHCONFIG")):] }
	ec := root.Server("P-256", nil).KeyPEM
	for name, c := range map[string]struct {
		text []byte
		want string
	}{
		"empty":        {nil, "no X25519 key"},
		"no config":    {key(one), "no ECHConfig"},
		"no key":       {list(one), "no X25519 key"},
		"another key":  {slices.Concat(key(one), list(two)), "do not belong together"},
		"of ECDSA":     {slices.Concat(ec, list(one)), "no X25519 key"},
		"damaged list": {slices.Concat(key(one), []byte("-----BEGIN ECHCONFIG-----\nAAAA\n-----END ECHCONFIG-----\n")), "damaged"},
	} {
		w.write("x.pem", c.text)
		if _, err := readECH(filepath.Join(w.dir, "x.pem")); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
