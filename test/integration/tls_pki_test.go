package integration

import (
	"crypto/x509"
	"encoding/pem"
	"os"
	"testing"

	"github.com/anygate/anygate/tlsedge/certificate/certtest"
)

// ocspServer names where to ask whether a certificate is revoked.
func ocspServer(url string) certtest.Edit {
	return func(c *x509.Certificate) { c.OCSPServer = []string{url} }
}

// firstCertificate reads the first certificate of a file.
func firstCertificate(t *testing.T, file string) *x509.Certificate {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	if block == nil {
		t.Fatalf("%s holds no certificate", file)
	}
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return c
}
