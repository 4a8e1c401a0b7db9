package profile

import (
	"crypto/tls"
	"slices"
	"testing"
)

// TestSuites checks the table against crypto/tls, so that a name cannot stand for another suite.
func TestSuites(t *testing.T) {
	if len(Suites) != 6 {
		t.Errorf("%d suites", len(Suites))
	}
	for _, s := range Suites {
		if got := tls.CipherSuiteName(s.ID); got != s.Name {
			t.Errorf("%s is %s", s.Name, got)
		}
		if FindSuite(s.Name).ID != s.ID || FindSuite(s.OpenSSL).ID != s.ID {
			t.Errorf("%s is not found", s.Name)
		}
		if Weak(s.Name) || Of13(s.Name) {
			t.Errorf("%s is weak, or of TLS 1.3", s.Name)
		}
	}
	if !Weak("TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA") || !Weak("TLS_RSA_WITH_RC4_128_SHA") || Weak("TLS_AES_128_GCM_SHA256") || Weak("X") {
		t.Error("Weak")
	}
	if !Of13("TLS_CHACHA20_POLY1305_SHA256") || Of13("X") {
		t.Error("Of13")
	}
	if FindSuite("X") != nil || FindGroup("") != nil || FindGroup("X") != nil || Find("old") != nil {
		t.Error("something is found that is not there")
	}
}

func TestGroups(t *testing.T) {
	for _, g := range Groups {
		if FindGroup(g.Name).ID != g.ID || g.Also != "" && FindGroup(g.Also).ID != g.ID {
			t.Errorf("%s is not found", g.Name)
		}
	}
	for _, p := range Profiles {
		if p.Groups[0] != tls.X25519MLKEM768 {
			t.Errorf("%s offers %v first", p.Name, p.Groups[0])
		}
		for _, id := range p.Groups {
			if !slices.ContainsFunc(Groups, func(g Group) bool { return g.ID == id }) {
				t.Errorf("%s has a group without a name", p.Name)
			}
		}
	}
	if p := Find("modern"); p.Minimum != tls.VersionTLS13 || len(p.Suites) > 0 {
		t.Errorf("modern is %+v", p)
	}
	if p := Find("intermediate"); p.Minimum != tls.VersionTLS12 || len(p.Suites) != 6 {
		t.Errorf("intermediate is %+v", p)
	}
}
