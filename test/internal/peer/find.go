package peer

import (
	"os/exec"
	"testing"
)

// packages are the Debian packages of the programs.
var packages = map[string]string{
	"chromium": "chromium",
	"curl":     "curl",
	"h2load":   "nghttp2-client",
	"haproxy":  "haproxy",
	"nghttp":   "nghttp2-client",
	"nghttpd":  "nghttp2-server",
	"nginx":    "nginx",
	"openssl":  "openssl",
	"prlimit":  "util-linux",
	"promtool": "prometheus",
	"testssl":  "testssl.sh",
	"unshare":  "util-linux",
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
