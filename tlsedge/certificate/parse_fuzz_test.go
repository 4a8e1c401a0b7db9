package certificate

import (
	"bytes"
	"testing"
	"time"

	"github.com/anygate/anygate/tlsedge/certificate/certtest"
)

// FuzzParse takes files of any content: there is a pair that can be served, or an error that says why not.
func FuzzParse(f *testing.F) {
	root := certtest.NewAuthority("root")
	middle := root.Authority("middle")
	for _, i := range []*certtest.Issued{
		middle.Server("P-256", []string{"a.example", "*.b.example", "192.0.2.1"}), certtest.SelfSigned("Ed25519", nil), root.Client("c"),
	} {
		f.Add(i.Chain, i.KeyPEM)
		f.Add(append(i.KeyPEM, i.Chain...), []byte{})
		f.Add(i.Cert.Raw, i.Chain)
	}
	f.Add([]byte("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"), []byte("-----BEGIN PRIVATE KEY-----\nDEK-Info: x\n\n-----END PRIVATE KEY-----\n"))
	f.Fuzz(func(t *testing.T, chain, key []byte) {
		now := time.Unix(1_800_000_000, 0)
		p, problems := Parse(chain, key, now)
		if (p == nil) != problems.Fatal() {
			t.Fatalf("%v and %+v", p, problems)
		}
		for _, problem := range problems {
			if problem.Msg == "" {
				t.Errorf("%+v", problem)
			}
		}
		if p == nil {
			if problems.Error() == "" {
				t.Error("an error without a text")
			}
		} else if len(p.Chain) == 0 || len(p.Chain) != len(p.TLS.Certificate) || !bytes.Equal(p.Leaf().Raw, p.TLS.Certificate[0]) || p.Kind() == "" {
			t.Errorf("%+v", p)
		}
		if a, problems := ParseAuthorities(chain, now); (a == nil) != problems.Fatal() {
			t.Fatalf("%v and %+v", a, problems)
		}
	})
}
