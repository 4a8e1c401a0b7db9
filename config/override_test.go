package config

import (
	"strings"
	"testing"
)

func TestWithListen(t *testing.T) {
	const tls = "tls: {certificates: {cert: site.pem, key: site.key}"
	for _, c := range []struct {
		name, file string
		addrs      []string
		want       string // what is wrong
	}{
		{"plain", "routes: {/: OK}", []string{":1", "unix:/x"}, ""},
		{"TLS", "listen: ':443 tls'\n" + tls + "}\nroutes: {/: OK}", []string{":1 tls", ":2 redirect"}, ""},
		{"plain in place of TLS", "listen: ':443 tls'\n" + tls + "}\nroutes: {/: OK}", []string{":1"}, ""},
		{"no certificate", "routes: {/: OK}", []string{":1 tls"}, "there is no certificate for TLS"},
		{"no address", "routes: {/: OK}", []string{"8080"}, `did you mean ":8080"?`},
		{"clients of an address", "listen: ':443 tls'\n" + tls + ", clients: {ca: clients.pem, listen: ':443'}}\nroutes: {/: OK}", []string{":1 tls"}, "wants certificates of the clients of :443"},
		{"the same address", "listen: ':443 tls'\n" + tls + ", clients: {ca: clients.pem, listen: ':443'}}\nroutes: {/: OK}", []string{":443 tls"}, ""},
		{"a policy", "listen: ':443 tls'\n" + tls + "}\nroutes: {/: OK | mtls clients.pem}", []string{":1"}, `the policy "mtls" of the route "/"`},
		{"HTTP/2 that is off", "server: {h2: off}\nroutes: {/: OK}", []string{":1 h2c"}, "HTTP/2 is off in the configuration, and :1 h2c speaks nothing else"},
		{"HTTP/1 where HTTP/2 is off", "server: {h2: off}\nroutes: {/: OK}", []string{":1"}, ""},
		{"one address by two names", "routes: {/: OK}", []string{":1", "[::]:1 redirect"}, "the address [::]:1 is listened to twice: it is what :1 means"},
		{"IPv4 beside both", "routes: {/: OK}", []string{":1", "0.0.0.0:1", "[::1]:1"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg, ds := Parse("anygate.yml", []byte(c.file), world())
			if err := ds.Err(); err != nil {
				t.Fatal(err)
			}
			before := len(cfg.Listen)
			changed, ds := cfg.WithListen(c.addrs)
			switch {
			case c.want == "" && len(ds) > 0, c.want != "" && !strings.Contains(ds.String(), c.want):
				t.Fatalf("diagnostics:\n%s", ds)
			case c.want != "":
				return
			}
			if len(changed.Listen) != len(c.addrs) || len(cfg.Listen) != before {
				t.Errorf("%v", changed.Listen)
			}
		})
	}
}
