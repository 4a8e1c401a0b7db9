package peer

import (
	"os/exec"
	"testing"
)

// packages are the Debian packages of the programs.
var packages = map[string]string{
	"chromium": "chromium",
	"curl":     "curl",
	"haproxy":  "haproxy",
	"nginx":    "nginx",
	"prlimit":  "util-linux",
	"wrk":      "wrk",
}

// Find returns the path of a program.
func Find(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		// Daemons may be outside of a user's PATH.
		if path, err = exec.LookPath("/usr/sbin/" + name); err != nil {
			t.Fatalf("%s is missing, and this test is nothing without it: apt-get install %s", name, packages[name])
		}
	}
	return path
}
