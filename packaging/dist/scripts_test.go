package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestScriptsOfRPM runs the scripts as rpm does, where systemd seems to run, and notes what they call: enabling is for the
// presets of the distribution, and starting for the administrator. TestQuickStart does what dpkg does.
func TestScriptsOfRPM(t *testing.T) {
	fakes := t.TempDir()
	for _, name := range []string{"systemd-sysusers", "systemctl", "anygate", "deb-systemd-helper", "deb-systemd-invoke", "useradd"} {
		if err := os.WriteFile(filepath.Join(fakes, name), []byte("#!/bin/sh\necho "+name+` "$*" >>"$CALLS"`+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		script, arg string
		want        []string
	}{
		{"postinstall.sh", "1", []string{"systemd-sysusers anygate.conf", "systemctl --no-reload preset anygate.service anygate.socket", "systemctl daemon-reload"}},
		{"postinstall.sh", "2", []string{"systemd-sysusers anygate.conf", "systemctl daemon-reload", "systemctl --quiet is-active anygate.service", "anygate upgrade -c /etc/anygate/anygate.yml"}},
		{"preremove.sh", "1", nil},
		{"preremove.sh", "0", []string{"systemctl stop anygate.socket anygate.service", "systemctl --no-reload disable anygate.socket anygate.service"}},
		{"postremove.sh", "1", []string{"systemctl daemon-reload"}},
		{"postremove.sh", "0", []string{"systemctl daemon-reload"}},
	} {
		script, err := filepath.Abs(filepath.Join("../files", tt.script))
		if err != nil {
			t.Fatal(err)
		}
		calls := filepath.Join(t.TempDir(), "calls")
		// In a namespace of mounts of its own, whose /run is that of a machine with systemd.
		c := exec.Command("unshare", "--mount", "sh", "-ec", `mount -t tmpfs none /run; mkdir -p /run/systemd/system; exec sh "$@"`, "sh", script, tt.arg)
		c.Env = append(os.Environ(), "PATH="+fakes+":"+os.Getenv("PATH"), "CALLS="+calls)
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%s %s: %v (the tests need root)\n%s", tt.script, tt.arg, err, out)
		}
		text, _ := os.ReadFile(calls) // there is none without calls
		if got, want := strings.TrimSpace(string(text)), strings.Join(tt.want, "\n"); got != want {
			t.Errorf("%s %s calls\n%s\nand should\n%s", tt.script, tt.arg, got, want)
		}
	}
}
