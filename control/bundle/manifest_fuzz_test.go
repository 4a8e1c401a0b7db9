package bundle

import (
	"bytes"
	"testing"
)

// FuzzParseManifest checks that what is read is read in one way only: writing it gives the same bytes.
func FuzzParseManifest(f *testing.F) {
	f.Add(sample().encode())
	f.Add([]byte(firstLine))
	f.Add([]byte(firstLine + "key 00\nconfig \"a\"\n"))
	f.Fuzz(func(t *testing.T, body []byte) {
		m, err := parseManifest(body)
		if err != nil {
			return
		}
		if again := m.encode(); !bytes.Equal(again, body) {
			t.Fatalf("%q is written as %q", body, again)
		}
	})
}

// FuzzVerify looks for bytes that are verified without being a manifest that the key has signed.
func FuzzVerify(f *testing.F) {
	k := fixedKey(1)
	text := signedSample(f, k)
	f.Add(text)
	f.Add([]byte(firstLine + "key " + k.Public().ID().String() + "\n" + edLine + "AA==\n" + mlLine + "AA==\n"))
	keys := []*PublicKey{k.Public()}
	f.Fuzz(func(t *testing.T, b []byte) {
		// Signatures of ML-DSA differ each time, and what they are about does not.
		if m, err := Verify(b, keys); err == nil && !bytes.Equal(m.encode(), text[:bytes.Index(text, []byte(edLine))]) {
			t.Fatalf("%q is verified", b)
		}
	})
}
