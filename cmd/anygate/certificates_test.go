package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/anygate/anygate/tlsedge/certificate/certtest"
)

// secureSite is a directory with a configuration that speaks TLS.
func secureSite(t *testing.T, lines string, edits ...certtest.Edit) string {
	t.Helper()
	dir := t.TempDir()
	root := certtest.NewAuthority("root")
	site, edge := root.Server("P-256", []string{"a.test", "b.test", "c.test", "*.d.test"}, edits...), root.Server("P-256", []string{"edge.test"})
	for name, data := range map[string][]byte{"site.pem": site.Chain, "site.key": site.KeyPEM, "edge.pem": append(edge.KeyPEM, edge.Chain...), "anygate.yml": []byte(`
listen: ["127.0.0.1:0 tls", "127.0.0.1:8443 tls"]
tls:
  certificates: [{cert: site.pem, key: site.key}, edge.pem]
` + lines + `
routes: {/: OK}
`)} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestCheckCertificates(t *testing.T) {
	until := time.Now().Add(60*24*time.Hour + time.Minute)
	code, out, errs := invoke(t, secureSite(t, "", certtest.Valid(time.Now().Add(-time.Hour), until)), "check")
	want := "site.pem: ECDSA P-256 for a.test, b.test, c.test and 1 more, until " + until.UTC().Format(time.DateOnly) + ", 60 days from now\n"
	if code != exitOK || errs != "" || !strings.Contains(out, want) || !strings.Contains(out, "edge.pem: ECDSA P-256 for edge.test, until ") {
		t.Errorf("%d\n%s\n%s\nwant %s", code, out, errs, want)
	}
	old := certtest.Valid(time.Now().Add(-48*time.Hour), time.Now().Add(-24*time.Hour))
	code, out, errs = invoke(t, secureSite(t, "", old), "check")
	if code != exitOK || !strings.Contains(errs, "has expired on") || !strings.Contains(errs, "\n1 warning\n") || !strings.Contains(out, "1 more, expired on ") {
		t.Errorf("%d\n%s\n%s", code, out, errs)
	}
	code, out, _ = invoke(t, secureSite(t, "", old), "check", "--json")
	var answer struct {
		OK       bool
		Warnings []struct{ Kind, Message string }
		Config   struct{ TLS struct{ Minimum string } }
	}
	if err := json.Unmarshal([]byte(out), &answer); err != nil || code != exitOK || !answer.OK || len(answer.Warnings) != 1 || answer.Warnings[0].Kind != "warning" || answer.Config.TLS.Minimum != "1.2" {
		t.Errorf("%d %v\n%s", code, err, out)
	}
	dir := secureSite(t, "")
	if err := os.WriteFile(filepath.Join(dir, "site.key"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, errs = invoke(t, dir, "check"); code != exitFailure || !strings.Contains(errs, "anygate.yml:4:40: the key's file is empty") {
		t.Errorf("%d\n%s", code, errs)
	}
}

func TestECH(t *testing.T) {
	dir := secureSite(t, "  ech: {public-name: edge.test, keys: ech}")
	code, first, errs := invoke(t, dir, "ech")
	if code != exitOK || errs != "" || strings.Count(first, "\n") != 3 || !strings.HasPrefix(first, `_8443._https.a.test. 300 IN HTTPS 1 a.test. alpn="h2" ech="AE`) {
		t.Errorf("%d\n%s\n%s", code, first, errs)
	}
	if _, again, _ := invoke(t, dir, "ech"); again != first {
		t.Errorf("printed again, it is\n%s", again)
	}
	code, out, _ := invoke(t, dir, "ech", "--json", "-c", "anygate.yml")
	var answer struct {
		PublicName string `json:"public_name"`
		ConfigList []byte `json:"config_list"`
		Records    []string
	}
	if err := json.Unmarshal([]byte(out), &answer); err != nil || code != exitOK || answer.PublicName != "edge.test" || len(answer.ConfigList) < 50 || len(answer.Records) != 3 {
		t.Errorf("%d %v\n%s", code, err, out)
	}
	if code, _, errs = invoke(t, secureSite(t, ""), "ech"); code != exitFailure || !strings.Contains(errs, "has no tls: {ech: {public-name: NAME, keys: DIR}}") {
		t.Errorf("%d\n%s", code, errs)
	}
	if code, _, errs = invoke(t, t.TempDir(), "ech"); code != exitFailure || !strings.Contains(errs, "no configuration") {
		t.Errorf("%d\n%s", code, errs)
	}
}

// TestServeTLS takes other addresses from the command line, with TLS, and warns of a log of secrets.
func TestServeTLS(t *testing.T) {
	dir := secureSite(t, "")
	p := launch(t, program(t, dir, "serve", "--listen", "127.0.0.1:0 tls", "--tls-key-log", "secrets"))
	p.signal(syscall.SIGTERM)
	if code := p.exit(); code != exitOK || !strings.Contains(p.log(), "THE SECRETS OF ALL TLS CONNECTIONS ARE WRITTEN TO A FILE") {
		t.Errorf("%d\n%s", code, p.log())
	}
	if _, err := os.Stat(filepath.Join(dir, "secrets")); err != nil {
		t.Error(err)
	}
}
