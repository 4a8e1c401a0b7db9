package certificates

import (
	"crypto/ecdh"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// The numbers of RFC 9849, section 4, and of HPKE (RFC 9180, section 7).
const (
	echVersion    = 0xfe0d
	kemX25519     = 0x0020
	kdfHKDFSHA256 = 0x0001
	aeadAES128GCM = 0x0001
	aeadAES256GCM = 0x0002
	aeadChaCha20  = 0x0003
)

// The blocks of a file of a key, which are those of OpenSSL: the private key in PKCS #8, and an ECHConfigList.
const (
	echKeyBlock    = "PRIVATE KEY"
	echConfigBlock = "ECHCONFIG"
)

// newKey makes a key and returns it as a file has it.
func (e *echKeys) newKey(names []string) ([]byte, error) {
	private, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, err
	}
	config := appendECHConfig(nil, e.freeID(), private.PublicKey().Bytes(), e.config.PublicName, longest(names))
	text := pem.EncodeToMemory(&pem.Block{Type: echKeyBlock, Bytes: der})
	return append(text, pem.EncodeToMemory(&pem.Block{Type: echConfigBlock, Bytes: echList(config)})...), nil
}

// freeID is a number that no key has yet: clients name the key that they have used by it.
func (e *echKeys) freeID() byte {
	var b [1]byte
	_, _ = rand.Read(b[:]) // which never fails
	for taken := true; taken; {
		taken = false
		for _, k := range e.keys {
			if k.id == b[0] {
				taken = true
				b[0]++
			}
		}
	}
	return b[0]
}

// longest is to what length clients are to pad names, so that their lengths tell nothing.
func longest(names []string) byte {
	n := 0
	for _, name := range names {
		n = max(n, len(name))
	}
	// A label in place of a star is longer, mostly.
	return byte(min(max(n, 32), 255))
}

// appendECHConfig appends an ECHConfig.
func appendECHConfig(dst []byte, id byte, public []byte, name string, longest byte) []byte {
	u16 := binary.BigEndian.AppendUint16
	body := append([]byte(nil), id)
	body = u16(body, kemX25519)
	body = append(u16(body, uint16(len(public))), public...)
	body = u16(body, 3*4)
	for _, aead := range []uint16{aeadAES128GCM, aeadAES256GCM, aeadChaCha20} {
		body = u16(u16(body, kdfHKDFSHA256), aead)
	}
	body = append(body, longest, byte(len(name)))
	body = append(body, name...)
	body = u16(body, 0) // extensions
	return append(u16(u16(dst, echVersion), uint16(len(body))), body...)
}

// echList makes an ECHConfigList of one ECHConfig.
func echList(config []byte) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(config))), config...)
}

// readECH reads the file of a key.
func readECH(name string) (k echKey, err error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return k, fmt.Errorf("cannot read %s: %s", name, cause(err))
	}
	fail := func(why string) (echKey, error) { return k, fmt.Errorf("%s: %s", name, why) }
	k.file = name
	var private *ecdh.PrivateKey
	for {
		var b *pem.Block
		if b, text = pem.Decode(text); b == nil {
			break
		}
		switch b.Type {
		case echKeyBlock:
			parsed, err := x509.ParsePKCS8PrivateKey(b.Bytes)
			if err != nil {
				return fail(err.Error())
			}
			private, _ = parsed.(*ecdh.PrivateKey)
		case echConfigBlock:
			if k.config, err = soleConfig(b.Bytes); err != nil {
				return fail(err.Error())
			}
		}
	}
	switch {
	case private == nil || private.Curve() != ecdh.X25519():
		return fail("the file holds no X25519 key")
	case k.config == nil:
		return fail("the file holds no ECHConfig")
	case !strings.Contains(string(k.config), string(private.PublicKey().Bytes())):
		return fail("the key and the ECHConfig do not belong together")
	}
	k.private, k.id = private.Bytes(), k.config[4]
	stamp, _ := strings.CutPrefix(strings.TrimSuffix(filepath.Base(name), ".pem"), echPrefix)
	if k.created, err = time.Parse(echTime, stamp); err != nil {
		info, err := os.Stat(name)
		if err != nil {
			return fail(cause(err))
		}
		k.created = info.ModTime()
	}
	return k, nil
}

// soleConfig takes the ECHConfig out of a list of one.
func soleConfig(list []byte) ([]byte, error) {
	if len(list) < 9 || int(binary.BigEndian.Uint16(list)) != len(list)-2 || int(binary.BigEndian.Uint16(list[4:])) != len(list)-6 {
		return nil, errors.New("the ECHConfigList is damaged, or has more than one ECHConfig")
	}
	if binary.BigEndian.Uint16(list[2:]) != echVersion || binary.BigEndian.Uint16(list[7:]) != kemX25519 {
		return nil, errors.New("the ECHConfig is of another version, or not for X25519")
	}
	return list[2:], nil
}

// ECHConfigList is the newest key as clients take it, nil without any.
func (s *Set) ECHConfigList() []byte {
	if s.ech == nil {
		return nil
	}
	return echList(s.ech.keys[0].config)
}

// Records are the DNS records of type HTTPS (RFC 9460; RFC 9848) that tell clients of the newest key, one for each name
// of the certificates and each port. With h2 they tell of HTTP/2 too: who comes by such a record expects what it lists, and
// HTTP/1.1 as the default (RFC 9460, section 7.1).
func (s *Set) Records(ports []uint16, h2 bool) (lines []string) {
	if s.ech == nil {
		return nil
	}
	alpn := ""
	if h2 {
		alpn = `alpn="h2" `
	}
	value := base64.StdEncoding.EncodeToString(s.ECHConfigList())
	for _, name := range s.names() {
		// Names in DNS are no addresses, and one that hides the others need not be hidden.
		if name == s.config.ECH.PublicName || !strings.ContainsFunc(name, func(r rune) bool { return r >= 'a' && r <= 'z' }) || strings.Contains(name, ":") {
			continue
		}
		for _, port := range ports {
			owner, target := name+".", "."
			if port != 443 {
				// A wildcard has no ports (RFC 9460, section 2.3).
				if strings.HasPrefix(name, "*") {
					continue
				}
				owner, target = fmt.Sprintf("_%d._https.%s", port, owner), owner
			}
			lines = append(lines, fmt.Sprintf("%s 300 IN HTTPS 1 %s %sech=%q", owner, target, alpn, value))
		}
	}
	return lines
}
