package tlsedge

import (
	"crypto/tls"
	"testing"

	"github.com/anygate/anygate/tlsedge/certificate/certtest"
)

var (
	testRoot  = certtest.NewAuthority("root")
	tableCert = map[string]*tls.Certificate{
		"ec":      testRoot.Server("P-256", []string{"a.example", "*.a.example"}).TLS(),
		"rsa":     testRoot.Server("RSA-2048", []string{"a.example", "b.example"}).TLS(),
		"p384":    testRoot.Server("P-384", []string{"b.example", "10.0.0.1", "2001:db8::1"}).TLS(),
		"wild":    testRoot.Server("P-256", []string{"*.b.example"}).TLS(),
		"exact":   testRoot.Server("RSA-2048", []string{"x.b.example"}).TLS(),
		"unnamed": testRoot.Server("P-256", nil).TLS(),
		"second":  testRoot.Server("P-256", []string{"a.example"}).TLS(),
		"ed":      testRoot.Server("Ed25519", []string{"ed.example"}).TLS(),
	}
)

func nameOf(c *tls.Certificate) string {
	for name, other := range tableCert {
		if c == other {
			return name
		}
	}
	return ""
}

func testTable(names ...string) *Table {
	var list []*tls.Certificate
	for _, n := range names {
		list = append(list, tableCert[n])
	}
	return NewTable(list)
}

// clients as they say hello.
var (
	modern = tls.ClientHelloInfo{
		SupportedVersions: []uint16{tls.VersionTLS13, tls.VersionTLS12}, SupportedCurves: []tls.CurveID{tls.X25519, tls.CurveP256},
		SignatureSchemes: []tls.SignatureScheme{tls.ECDSAWithP256AndSHA256, tls.PSSWithSHA256, tls.PKCS1WithSHA256},
		CipherSuites:     []uint16{tls.TLS_AES_128_GCM_SHA256},
	}
	onlyRSA = tls.ClientHelloInfo{
		SupportedVersions: []uint16{tls.VersionTLS13},
		SignatureSchemes:  []tls.SignatureScheme{tls.PSSWithSHA256}, CipherSuites: []uint16{tls.TLS_AES_128_GCM_SHA256},
	}
	only384 = tls.ClientHelloInfo{
		SupportedVersions: []uint16{tls.VersionTLS13},
		SignatureSchemes:  []tls.SignatureScheme{tls.ECDSAWithP384AndSHA384}, CipherSuites: []uint16{tls.TLS_AES_128_GCM_SHA256},
	}
	old = tls.ClientHelloInfo{
		SupportedVersions: []uint16{tls.VersionTLS12}, SupportedCurves: []tls.CurveID{tls.CurveP256},
		SignatureSchemes: []tls.SignatureScheme{tls.ECDSAWithP256AndSHA256, tls.PKCS1WithSHA256},
		CipherSuites:     []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256},
	}
	oldRSA = tls.ClientHelloInfo{
		SupportedVersions: []uint16{tls.VersionTLS12}, SupportedCurves: []tls.CurveID{tls.CurveP256},
		SignatureSchemes: []tls.SignatureScheme{tls.ECDSAWithP256AndSHA256, tls.PKCS1WithSHA256},
		CipherSuites:     []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256},
	}
	oldCurve = tls.ClientHelloInfo{
		SupportedVersions: []uint16{tls.VersionTLS12}, SupportedCurves: []tls.CurveID{tls.X25519},
		SignatureSchemes: []tls.SignatureScheme{tls.ECDSAWithP256AndSHA256, tls.PKCS1WithSHA256},
		CipherSuites:     old.CipherSuites,
	}
)

func TestChoose(t *testing.T) {
	all := []string{"ec", "rsa", "p384", "wild", "exact", "unnamed", "second", "ed"}
	for _, c := range []struct {
		name   string
		hello  tls.ClientHelloInfo
		server string
		want   string
	}{
		{"ECDSA before RSA", modern, "a.example", "ec"},
		{"case", modern, "A.Example", "ec"},
		{"RSA for who knows no ECDSA", onlyRSA, "a.example", "rsa"},
		{"the curve of the signature counts", modern, "b.example", "rsa"},
		{"P-384", only384, "b.example", "p384"},
		{"a wildcard", modern, "w.a.example", "ec"},
		{"a wildcard is one label", modern, "w.w.a.example", ""},
		{"a wildcard is not its parent", modern, "b.c", ""},
		{"the name before a wildcard", onlyRSA, "x.b.example", "exact"},
		{"and the wildcard where that does not suit", tls.ClientHelloInfo{
			SupportedVersions: modern.SupportedVersions, SignatureSchemes: []tls.SignatureScheme{tls.ECDSAWithP256AndSHA256},
		}, "x.b.example", "wild"},
		{"TLS 1.2", old, "a.example", "ec"},
		{"TLS 1.2 with suites of RSA only", oldRSA, "a.example", "rsa"},
		{"TLS 1.2 without the curve", oldCurve, "a.example", "rsa"},
		{"TLS 1.2 without signatures", tls.ClientHelloInfo{SupportedVersions: old.SupportedVersions, CipherSuites: old.CipherSuites}, "a.example", "rsa"},
		{"nothing suits", only384, "a.example", "rsa"},
		{"Ed25519", tls.ClientHelloInfo{SupportedVersions: modern.SupportedVersions, SignatureSchemes: []tls.SignatureScheme{tls.Ed25519}}, "ed.example", "ed"},
		{"unknown", modern, "unknown.example", ""},
		{"none", modern, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := NewStore(testTable(all...))
			hello := c.hello
			hello.ServerName = c.server
			got, err := s.Choose(&hello)
			if err != nil || nameOf(got) != c.want {
				t.Errorf("%q, %v, want %q", nameOf(got), err, c.want)
			}
			if refused := s.Refuses(c.server); refused != (c.want == "") {
				t.Errorf("refuses %v", refused)
			}
		})
	}
}

// TestChooseAsTheStandardLibraryWould compares with tls.ClientHelloInfo.SupportsCertificate.
func TestChooseAsTheStandardLibraryWould(t *testing.T) {
	for _, hello := range []tls.ClientHelloInfo{modern, onlyRSA, only384, old, oldRSA, oldCurve} {
		for name, c := range tableCert {
			kind := kindOf(c)
			if got, want := kind.suits(&hello), hello.SupportsCertificate(c) == nil; got != want {
				t.Errorf("%s: suits %v, the standard library says %v (%+v)", name, got, want, hello)
			}
		}
	}
}

func TestDefault(t *testing.T) {
	for _, c := range []struct{ name, want string }{
		{"a.example", "ec"}, {"X.a.example", "ec"}, {"*.b.example", "wild"}, {"nobody", ""},
	} {
		table := testTable("ec", "rsa", "wild")
		if ok := table.Default(c.name); ok != (c.want != "") {
			t.Errorf("Default(%q) is %v", c.name, ok)
		}
		s := NewStore(table)
		hello := modern
		hello.ServerName = "unknown.example"
		if got, _ := s.Choose(&hello); nameOf(got) != c.want {
			t.Errorf("%q: an unknown name gets %q", c.name, nameOf(got))
		}
	}
	table := testTable("unnamed")
	table.DefaultTo(tableCert["unnamed"])
	hello := modern
	if got, _ := NewStore(table).Choose(&hello); nameOf(got) != "unnamed" {
		t.Errorf("the default is %q", nameOf(got))
	}
}

func TestCovers(t *testing.T) {
	table := testTable("ec", "rsa", "p384", "wild")
	table.Default("a.example")
	s := NewStore(table)
	for _, c := range []struct {
		name, host string
		want       bool
	}{
		{"a.example", "a.example", true},
		{"a.example", "A.EXAMPLE:443", true},
		{"a.example", "w.a.example", false}, // RSA does not have it
		{"a.example", "b.example", false},   // ECDSA does not have it
		{"w.a.example", "a.example", true},
		{"w.a.example", "v.a.example", true},
		{"w.a.example", "v.v.a.example", false},
		{"w.a.example", ".a.example", false},
		{"v.b.example", "w.b.example", true},
		{"v.b.example", "b.example", false},
		{"", "a.example", true},
		{"", "c.example", false},
		{"unknown", "a.example", true},
		{"b.example", "10.0.0.1", false},
		{"a.example", "", false},
	} {
		if got := s.Covers(c.name, []byte(c.host)); got != c.want {
			t.Errorf("%q covers %q: %v", c.name, c.host, got)
		}
	}
	addresses := NewStore(testTable("p384"))
	for _, host := range []string{"10.0.0.1", "10.0.0.1:443", "[2001:db8::1]:443", "[2001:DB8::1]", "b.example."} {
		if !addresses.Covers("b.example", []byte(host)) {
			t.Errorf("%s is not covered", host)
		}
	}
	if NewStore(testTable("ec")).Covers("", []byte("a.example")) {
		t.Error("without a default nothing is covered")
	}
	if !s.Knows("a.example") || s.Knows("c.example") {
		t.Error("Knows")
	}
}

func TestStoreAllocatesNothing(t *testing.T) {
	s := NewStore(testTable("ec", "rsa", "p384", "wild"))
	hello := modern
	hello.ServerName = "w.a.example"
	host := []byte("V.a.example:443")
	if n := testing.AllocsPerRun(100, func() {
		if c, _ := s.Choose(&hello); c == nil || !s.Covers("w.a.example", host) {
			t.Fatal("not chosen")
		}
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkChoose(b *testing.B) {
	s := NewStore(testTable("ec", "rsa", "p384", "wild"))
	hello := modern
	hello.ServerName = "w.a.example"
	for b.Loop() {
		_, _ = s.Choose(&hello)
	}
}
