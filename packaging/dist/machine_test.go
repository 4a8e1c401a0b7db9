package main

import (
	"os/exec"
	"strings"
	"testing"
)

// TestUnit has systemd judge how exposed the service is, from 0 (not at all) to 100. What is left is the network, which is
// what it is for.
func TestUnit(t *testing.T) {
	said := output(t, "systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold=25", "../files/anygate.service")
	if !strings.Contains(said, "Overall exposure level") {
		t.Errorf("it says\n%s", said)
	}
}

// TestQuickStart does what the README says on a machine that has nothing but Debian, with its own systemd: the package is
// installed, configured, reloaded, killed, started by its socket, upgraded, removed, installed again, and purged.
func TestQuickStart(t *testing.T) {
	t.Parallel() // It waits for the network and the disk, and TestReproducible for the compiler.
	out, err := exec.Command("../../test/quickstart.sh", made.out).CombinedOutput()
	if err != nil {
		t.Fatalf("%v (it needs root, debootstrap and systemd-nspawn, which test/install.sh installs)\n%s", err, out)
	}
	if !strings.Contains(string(out), "--- all of it in ") {
		t.Errorf("it says\n%s", out)
	}
	t.Logf("%s", out[strings.LastIndex(string(out), "---"):])
}
