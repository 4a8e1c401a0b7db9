package proxy

import (
	"strings"
	"testing"
)

const clientFields = "X-Client-Cert-Subject: CN=me\r\nX-Client-Cert-Fingerprint: 00ff\r\nClient-Cert: :AA==:\r\n"

// TestCertificateFields has what a client says of its certificate replaced by what is known of it, where TLS ends here;
// where it ends elsewhere nothing is known, and what is said is passed on.
func TestCertificateFields(t *testing.T) {
	const said = "Client-Cert: :BB==:\r\nCLIENT-CERT-CHAIN: :CC==:\r\nx-client-cert-subject: CN=admin\r\nX-Client-Certificate: x\r\nX-Client-Cert: y\r\n"
	const kept = "Client-Certain: a\r\nX-Client: b\r\nX-Client-Cer: c\r\n"
	for _, c := range []struct {
		name  string
		own   bool
		known string
		want  string
	}{
		{"TLS elsewhere", false, "", said + kept},
		{"nobody", true, "", kept},
		{"somebody", true, clientFields, kept + clientFields},
	} {
		a := mustAsk(t, "/", "http://up:8080", "up:8080", "GET / HTTP/1.1\r\nHost: h\r\n"+said+kept+"\r\n")
		a.r.OwnCertificate, a.r.Certificate = c.own, []byte(c.known)
		got := a.append(t)
		if want := "GET / HTTP/1.1\r\nHost: h\r\n" + c.want + forwarded + "\r\n"; got != want {
			t.Errorf("%s:\n%q\nwant\n%q", c.name, got, want)
		}
		// An upstream of HTTP/2 is told the same, whatever version the client speaks, and whatever it offers.
		for _, over2 := range []bool{false, true} {
			for _, offer := range []string{"", "websocket"} {
				a.r.HTTP2, a.r.Upgrade = over2, []byte(offer)
				mem, p := a.parts(t)
				want := c.want + forwarded
				if over2 {
					want = strings.Replace(want, "Via: 1.1", "Via: 2", 1)
				}
				if got := string(mem[p.fields:p.key]); got != want {
					t.Errorf("%s, to HTTP/2 (from it: %v, offering %q):\n%q\nwant\n%q", c.name, over2, offer, got, want)
				}
			}
		}
	}
}

func TestIdentifies(t *testing.T) {
	for name, want := range map[string]bool{
		"Client-Cert": true, "client-cert-chain": true, "X-Client-Cert-Subject": true, "X-Forwarded-Port": true, "x_client_cert": true, "Proxy": true,
		"X-Checksum": false, "Server-Timing": false, "Client": false,
	} {
		if Identifies([]byte(name)) != want {
			t.Errorf("%s: %v", name, !want)
		}
	}
}

// TestCertificateFieldsOfConnection keeps a client from having them taken away as fields of its connection.
func TestCertificateFieldsOfConnection(t *testing.T) {
	a := mustAsk(t, "/", "http://up:8080", "up:8080", "GET / HTTP/1.1\r\nHost: h\r\nConnection: client-cert, x-client-cert-subject\r\nClient-Cert: x\r\n\r\n")
	a.r.OwnCertificate, a.r.Certificate = true, []byte(clientFields)
	if got := a.append(t); strings.Count(got, clientFields) != 1 || strings.Contains(got, "Client-Cert: x") {
		t.Errorf("%q", got)
	}
	if n := testing.AllocsPerRun(100, func() { a.append(t) }); n > 3 {
		t.Errorf("%v allocations, beside those of the test", n)
	}
}
