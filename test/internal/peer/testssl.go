package peer

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// Finding is something that testssl.sh has to say.
type Finding struct {
	ID       string `json:"id"`
	Severity string `json:"severity"`
	Finding  string `json:"finding"`
}

// Bad reports whether a finding is worse than LOW.
func (f Finding) Bad() bool {
	switch f.Severity {
	case "MEDIUM", "HIGH", "CRITICAL", "FATAL":
		return true
	}
	return false
}

// Testssl runs some of the checks of testssl.sh, which trusts the authority of a file, against an address that has a name,
// and returns all findings.
func Testssl(t testing.TB, ip, nameAndPort, ca string, checks ...string) []Finding {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 6*time.Minute)
	defer cancel()
	result := filepath.Join(t.TempDir(), "findings.json")
	args := append([]string{
		"--quiet", "--color", "0", "--warnings", "off", "--openssl", Find(t, "openssl"), "--openssl-timeout", "10", "--connect-timeout", "10",
		"--add-ca", ca, "--ip", ip, "--jsonfile", result,
	}, checks...)
	cmd := exec.CommandContext(ctx, Find(t, "testssl"), append(args, nameAndPort)...)
	// It is a script whose many programs end with it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	if ctx.Err() != nil {
		t.Fatalf("testssl does not end, %v:\n%s", err, out.String())
	}
	// Its exit code counts findings of all kinds; what counts here is in its result.
	text, err := os.ReadFile(result)
	if err != nil {
		t.Fatalf("testssl has no result, %v:\n%s", err, out.String())
	}
	var findings []Finding
	if err := json.Unmarshal(text, &findings); err != nil {
		t.Fatalf("the result of testssl is damaged, %v:\n%s", err, text)
	}
	return findings
}
