package peer

import (
	"bytes"
	"context"
	"encoding/xml"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Conformance is what h2spec found.
type Conformance struct {
	Passed int
	// Failed are the cases that failed, with what was expected and what came.
	Failed []string
}

// H2spec tests a server of HTTP/2 that listens at addr. timeout is for each wait.
func H2spec(t testing.TB, addr string, timeout time.Duration, args ...string) Conformance {
	t.Helper()
	program := findTool(t, "h2spec")
	host, port, _ := strings.Cut(addr, ":")
	report := filepath.Join(t.TempDir(), "report.xml")
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	args = append([]string{"-h", host, "-p", port, "-o", strconv.Itoa(int(timeout.Seconds())), "-j", report}, args...)
	// It leaves with a status of its own when a case fails, which is what the report is for.
	out, _ := exec.CommandContext(ctx, program, args...).CombinedOutput()
	text, err := os.ReadFile(report)
	if err != nil {
		t.Fatalf("h2spec: %v\n%s", err, out)
	}
	var suites struct {
		Suites []struct {
			Name  string `xml:"name,attr"`
			Cases []struct {
				Name    string  `xml:"classname,attr"`
				Package string  `xml:"package,attr"`
				Failure *string `xml:"failure"`
				Error   *string `xml:"error"`
				Skipped *string `xml:"skipped"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal(text, &suites); err != nil {
		t.Fatal(err)
	}
	var c Conformance
	for _, suite := range suites.Suites {
		for _, one := range suite.Cases {
			bad := one.Failure
			if bad == nil {
				bad = one.Error
			}
			if bad == nil {
				bad = one.Skipped
			}
			if bad == nil {
				c.Passed++
				continue
			}
			c.Failed = append(c.Failed, fmt.Sprintf("%s: %s: %s", one.Package, one.Name, strings.Join(strings.Fields(*bad), " ")))
		}
	}
	return c
}

// Nghttp gets URLs over one connection and returns what it printed: with --null-out only the trace of frames, and the
// statistics.
func Nghttp(t testing.TB, args ...string) string {
	t.Helper()
	out, err := exec.Command(Find(t, "nghttp"), append([]string{"-t", "20"}, args...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("nghttp %q: %v\n%s", args, err, out)
	}
	return string(out)
}

var h2loadRequests = regexp.MustCompile(`requests: (\d+) total, .*, (\d+) done, (\d+) succeeded, `)

// H2load makes n requests, on each of some connections so many at a time, and returns how many succeeded.
func H2load(t testing.TB, n, connections, streams int, args ...string) int {
	t.Helper()
	args = append([]string{"-n", strconv.Itoa(n), "-c", strconv.Itoa(connections), "-m", strconv.Itoa(streams)}, args...)
	var out bytes.Buffer
	cmd := exec.Command(Find(t, "h2load"), args...)
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		t.Fatalf("h2load: %v\n%s", err, out.String())
	}
	found := h2loadRequests.FindStringSubmatch(out.String())
	if found == nil {
		t.Fatalf("h2load reported:\n%s", out.String())
	}
	succeeded, _ := strconv.Atoi(found[3])
	return succeeded
}

// findTool is Find for a program of Go's, which go install puts where a PATH may not lead.
func findTool(t testing.TB, name string) string {
	t.Helper()
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	out, err := exec.Command("go", "env", "GOBIN", "GOPATH").Output()
	if err != nil {
		t.Fatal(err)
	}
	bin, gopath, _ := strings.Cut(string(out), "\n")
	if bin == "" {
		bin = filepath.Join(strings.TrimSpace(gopath), "bin")
	}
	path := filepath.Join(bin, name)
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("%s is missing, and this test is nothing without it: test/install.sh installs it", name)
	}
	return path
}
