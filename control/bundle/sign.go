package bundle

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/cloudflare/circl/sign/mldsa/mldsa65"
)

// context is the context string of both algorithms (RFC 8032, section 5.1; FIPS 204, section 5.2). A signature that
// the same key makes of the same bytes for another purpose is none for this.
const context = "anygate manifest v1"

// The lines of the signatures, behind the manifest.
const (
	edLine = "signature ed25519 "
	mlLine = "signature ml-dsa-65 "
)

// Sign writes a manifest with its signatures.
func (k *PrivateKey) Sign(m *Manifest) ([]byte, error) {
	signed := *m
	signed.Key = k.public.id
	body := signed.encode()
	// Nothing is signed that would not be understood.
	if _, err := parseManifest(body); err != nil {
		return nil, err
	}
	ed, err := k.ed25519.Sign(nil, body, &ed25519.Options{Context: context})
	if err != nil {
		return nil, err
	}
	ml := make([]byte, mldsa65.SignatureSize)
	if err := mldsa65.SignTo(k.mldsa, body, []byte(context), true, ml); err != nil {
		return nil, err
	}
	out := append(body, edLine...)
	out = base64.StdEncoding.AppendEncode(out, ed)
	out = append(append(out, '\n'), mlLine...)
	out = base64.StdEncoding.AppendEncode(out, ml)
	if out = append(out, '\n'); len(out) > maxManifestBytes {
		return nil, fmt.Errorf("the manifest is larger than %d MiB", maxManifestBytes>>20)
	}
	return out, nil
}

// The ways in which a manifest is not to be trusted.
var (
	errNoManifest = errors.New("the file is no manifest of anygate sign")
	errSignature  = errors.New("a signature is wrong: the manifest was changed after it was signed, or damaged")
)

// ErrUntrusted says that nobody has signed whom the configuration's server trusts.
type ErrUntrusted struct{ Key KeyID }

// Error names the key.
func (e *ErrUntrusted) Error() string {
	return fmt.Sprintf("it is signed with the key %s, which is not trusted here", e.Key)
}

// Verify reads a manifest that one of the keys has signed. Nothing of it is looked at before both signatures were found
// to be good, but for where they are and whose they claim to be.
func Verify(text []byte, keys []*PublicKey) (*Manifest, error) {
	if len(text) > maxManifestBytes || !bytes.HasPrefix(text, []byte(firstLine)) {
		return nil, errNoManifest
	}
	at := bytes.LastIndex(text, []byte("\n"+edLine))
	if at < 0 {
		return nil, errNoManifest
	}
	body, tail := text[:at+1], text[at+1:]
	claimed, err := claimedKey(body)
	if err != nil {
		return nil, err
	}
	ed, tail, err := signature(tail, edLine, ed25519.SignatureSize)
	if err != nil {
		return nil, err
	}
	ml, tail, err := signature(tail, mlLine, mldsa65.SignatureSize)
	if err != nil {
		return nil, err
	}
	if len(tail) > 0 {
		return nil, errNoManifest
	}
	for _, k := range keys {
		if k.id != claimed {
			continue
		}
		good := ed25519.VerifyWithOptions(k.ed25519, body, ed, &ed25519.Options{Context: context}) == nil
		if !mldsa65.Verify(k.mldsa, body, []byte(context), ml) || !good {
			return nil, errSignature
		}
		return parseManifest(body)
	}
	return nil, &ErrUntrusted{claimed}
}

// claimedKey is the key that the second line names.
func claimedKey(body []byte) (id KeyID, err error) {
	rest, ok := bytes.CutPrefix(body, []byte(firstLine+"key "))
	line, _, ended := bytes.Cut(rest, []byte("\n"))
	if !ok || !ended || unhex(id[:], string(line)) != nil {
		return id, errNoManifest
	}
	return id, nil
}

// signature takes a line with a signature from the front of b.
func signature(b []byte, name string, size int) (sig, rest []byte, err error) {
	line, rest, ended := bytes.Cut(b, []byte("\n"))
	encoded, ok := bytes.CutPrefix(line, []byte(name))
	if !ok || !ended {
		return nil, nil, errNoManifest
	}
	sig, err = base64.StdEncoding.Strict().AppendDecode(nil, encoded)
	// Carriage returns would be read over, and a signature has one spelling only.
	if err != nil || len(sig) != size || len(encoded) != base64.StdEncoding.EncodedLen(size) {
		return nil, nil, errNoManifest
	}
	return sig, rest, nil
}
