package config

import (
	"slices"
	"testing"
)

func TestLogFiles(t *testing.T) {
	for _, tt := range []struct {
		text string
		want []string
	}{
		{"log: stdout", nil},
		{"log: {access: syslog, error: {to: \"syslog+tcp://h\"}}", nil},
		{"log: {access: a.log json, error: {to: /var/log/e.log}}", []string{"/var/log/e.log", "/srv/a.log"}},
		{"log: {access: ./a.log, error: {to: /srv/a.log}}", []string{"/srv/a.log"}},
	} {
		c, ds := Parse("anygate.yml", []byte(tt.text+"\nroutes: {\"/\": OK}\n"), Options{BaseDir: "/srv"})
		if len(ds) > 0 {
			t.Fatal(ds)
		}
		if got := c.LogFiles(); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.text, got, tt.want)
		}
	}
}
