package config

import (
	"strings"
	"testing"
)

func TestRedacted(t *testing.T) {
	env := map[string]string{"PASSWORD": "hunter2hunter2", "PIN": "7", "UP": "10.0.0.1"}
	opt := world()
	opt.LookupEnv = func(name string) (string, bool) { v, ok := env[name]; return v, ok }
	c, ds := Parse("anygate.yml", []byte(`admin: {listen: 127.0.0.1:9100, token: ADMIN_TOKEN}
routes:
  "/a": 'OK the password is ${PASSWORD} here'
  "/b": OK ${PIN}
  "/c": MOVED https://user:secret@elsewhere.example/x
  "/d": http://${UP}:80
  "/e": OK 7 is a number
`), opt)
	if len(ds) > 0 {
		t.Fatal(ds)
	}
	got := string(c.Redacted())
	for _, secret := range []string{"hunter2", "user:secret", "10.0.0.1"} {
		if strings.Contains(got, secret) {
			t.Errorf("%q is in %s", secret, got)
		}
	}
	for _, part := range []string{`the password is *** here`, `"body": "***"`, `https://***@elsewhere.example/x`, `"7 is a number"`, `ADMIN_TOKEN`, `"head": "/c"`} {
		if !strings.Contains(got, part) && !strings.Contains(got, strings.ReplaceAll(part, `": "`, `":"`)) {
			t.Errorf("%q is not in %s", part, got)
		}
	}
}

func TestRedactedPolicies(t *testing.T) {
	c := new(Config)
	for text, want := range map[string]string{
		`headers req ~Authorization=Basic +X-A=1`:        `headers req ~Authorization=*** +X-A=1`,
		`headers req ~X-Api-Key="a b \" c" -Server`:      `headers req ~X-Api-Key=*** -Server`,
		`headers +X-Session-Token=abc +Cache-Control=no`: `headers +X-Session-Token=*** +Cache-Control=no`,
		`limit 100/s per ip`:                             `limit 100/s per ip`,
	} {
		if got := c.redactText(text); got != want {
			t.Errorf("%s becomes %s, not %s", text, got, want)
		}
	}
}
