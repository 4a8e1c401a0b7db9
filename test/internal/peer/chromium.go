package peer

import (
	"bytes"
	"context"
	"os/exec"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// Chromium opens a URL in a headless browser with a profile of its own, lets the page work for the given time (of the
// page's clock, which runs ahead while nothing is loading), and returns the document as it then is. Further flags are the
// browser's.
func Chromium(t testing.TB, url string, work time.Duration, flags ...string) string {
	t.Helper()
	chromium := Find(t, "chromium")
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	args := append([]string{
		"--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--no-proxy-server", "--user-data-dir=" + t.TempDir(),
		"--virtual-time-budget=" + strconv.FormatInt(work.Milliseconds(), 10), "--dump-dom",
	}, flags...)
	cmd := exec.CommandContext(ctx, chromium, append(args, url)...)
	// The browser is a group of processes, which end together.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if cmd.Process != nil {
		_ = cmd.Cancel() // Nothing is left of the group in most cases.
	}
	if err != nil {
		t.Fatalf("chromium %s: %v\n%s", url, err, stderr.String())
	}
	return stdout.String()
}
