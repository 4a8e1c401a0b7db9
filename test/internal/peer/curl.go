package peer

import (
	"bufio"
	"bytes"
	"errors"
	"net/http"
	"net/textproto"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// Answer is what curl got.
type Answer struct {
	Proto  string // "HTTP/1.1", "HTTP/2"
	Status int
	Header http.Header // of the last response
	Body   string
	// Connects is how many connections curl opened.
	Connects int
	// Interim are the status codes of the responses before the last.
	Interim []int
	// Exit is curl's exit code, 0 if the transfer was complete (curl(1), EXIT CODES).
	Exit    int
	Message string
}

// Curl runs curl with the arguments and takes its last response apart.
func Curl(t testing.TB, args ...string) Answer {
	t.Helper()
	curl := Find(t, "curl")
	dir := t.TempDir()
	head, body := filepath.Join(dir, "head"), filepath.Join(dir, "body")
	fixed := []string{"--silent", "--show-error", "--max-time", "30", "--noproxy", "*", "--dump-header", head, "--output", body, "--write-out", "%{num_connects}"}
	cmd := exec.Command(curl, append(fixed, args...)...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	a := Answer{Exit: cmd.ProcessState.ExitCode(), Message: strings.TrimSpace(stderr.String())}
	if a.Connects, err = strconv.Atoi(stdout.String()); err != nil {
		t.Fatalf("curl %q wrote %q", args, stdout.String())
	}
	content, err := os.ReadFile(body)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	a.Body = string(content)
	heads, err := os.ReadFile(head)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	if a.Body == string(heads) {
		a.Body = "" // With --head curl's output is the head.
	}
	a.readHeads(t, heads)
	return a
}

// readHeads reads the heads of all responses, of which the last one counts.
func (a *Answer) readHeads(t testing.TB, heads []byte) {
	t.Helper()
	r := textproto.NewReader(bufio.NewReader(bytes.NewReader(heads)))
	for {
		line, err := r.ReadLine()
		if err != nil || line == "" {
			return
		}
		if !strings.HasPrefix(line, "HTTP/") {
			continue // what --dump-header writes of a trailer section
		}
		part := strings.SplitN(line, " ", 3)
		if len(part) < 2 {
			t.Fatalf("curl got the status line %q", line)
		}
		if a.Status != 0 {
			a.Interim = append(a.Interim, a.Status)
		}
		a.Proto = part[0]
		if a.Status, err = strconv.Atoi(part[1]); err != nil {
			t.Fatalf("curl got the status line %q", line)
		}
		fields, err := r.ReadMIMEHeader()
		if err != nil && len(fields) == 0 {
			t.Fatalf("curl got the head %q: %v", heads, err)
		}
		a.Header = http.Header(fields)
	}
}
