// Package profile has the names of what TLS connections are made of, and Mozilla's recommendations of which to use.
//
// It is tables and functions of them: a configuration is checked against them, and compiled with them.
package profile

import "crypto/tls"

// Profile is a set of versions, cipher suites and groups.
type Profile struct {
	Name    string
	Minimum uint16
	// Suites are those of TLS 1.2. The three of TLS 1.3 are always on.
	Suites []uint16
	Groups []tls.CurveID
}

// groups are offered by default: first the hybrid with ML-KEM, whose secrets stay secrets when there are quantum computers.
var groups = []tls.CurveID{tls.X25519MLKEM768, tls.X25519, tls.CurveP256, tls.CurveP384}

// Profiles are Mozilla's recommendations (wiki.mozilla.org/Security/Server_Side_TLS), without the groups of finite fields
// that they allow for old clients, and with ML-KEM.
var Profiles = []Profile{
	{Name: "intermediate", Minimum: tls.VersionTLS12, Suites: suiteIDs(), Groups: groups},
	{Name: "modern", Minimum: tls.VersionTLS13, Groups: groups},
}

// Find returns the profile with a name, nil if there is none.
func Find(name string) *Profile {
	for i := range Profiles {
		if Profiles[i].Name == name {
			return &Profiles[i]
		}
	}
	return nil
}

// Suite is a cipher suite of TLS 1.2.
type Suite struct {
	ID uint16
	// Name is that of IANA, OpenSSL what OpenSSL calls it.
	Name, OpenSSL string
}

// Suites are the cipher suites of TLS 1.2 that may be chosen: those with forward secrecy and authenticated encryption.
var Suites = []Suite{
	{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "ECDHE-ECDSA-AES128-GCM-SHA256"},
	{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "ECDHE-RSA-AES128-GCM-SHA256"},
	{tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "ECDHE-ECDSA-AES256-GCM-SHA384"},
	{tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "ECDHE-RSA-AES256-GCM-SHA384"},
	{tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305"},
	{tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256, "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-RSA-CHACHA20-POLY1305"},
}

func suiteIDs() (ids []uint16) {
	for _, s := range Suites {
		ids = append(ids, s.ID)
	}
	return ids
}

// FindSuite returns the suite with one of its names, nil if there is none.
func FindSuite(name string) *Suite {
	for i := range Suites {
		if Suites[i].Name == name || Suites[i].OpenSSL == name {
			return &Suites[i]
		}
	}
	return nil
}

// Weak reports whether a name is that of a cipher suite which crypto/tls knows, and which is not among Suites because it
// lacks forward secrecy or authenticated encryption.
func Weak(name string) bool {
	for _, list := range [][]*tls.CipherSuite{tls.CipherSuites(), tls.InsecureCipherSuites()} {
		for _, s := range list {
			if s.Name == name && FindSuite(name) == nil && !of13(s) {
				return true
			}
		}
	}
	return false
}

// Of13 reports whether a name is that of a cipher suite of TLS 1.3.
func Of13(name string) bool {
	for _, s := range tls.CipherSuites() {
		if s.Name == name {
			return of13(s)
		}
	}
	return false
}

func of13(s *tls.CipherSuite) bool {
	return len(s.SupportedVersions) == 1 && s.SupportedVersions[0] == tls.VersionTLS13
}

// Group is a way to agree on a secret.
type Group struct {
	ID tls.CurveID
	// Name is what the configuration calls it, Also what others do.
	Name, Also string
}

// Groups are all that there are.
var Groups = []Group{
	{tls.X25519MLKEM768, "X25519MLKEM768", ""},
	{tls.SecP256r1MLKEM768, "SecP256r1MLKEM768", ""},
	{tls.SecP384r1MLKEM1024, "SecP384r1MLKEM1024", ""},
	{tls.X25519, "X25519", "x25519"},
	{tls.CurveP256, "P-256", "prime256v1"},
	{tls.CurveP384, "P-384", "secp384r1"},
	{tls.CurveP521, "P-521", "secp521r1"},
}

// FindGroup returns the group with a name, nil if there is none.
func FindGroup(name string) *Group {
	for i := range Groups {
		if Groups[i].Name == name || Groups[i].Also == name && name != "" {
			return &Groups[i]
		}
	}
	return nil
}
