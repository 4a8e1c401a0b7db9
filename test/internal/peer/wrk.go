package peer

import (
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Load is what wrk reports.
type Load struct {
	Requests int64
	// Trouble are the lines that tell of errors: of sockets, or responses other than 2xx and 3xx.
	Trouble string
	Report  string
}

var (
	wrkRequests = regexp.MustCompile(`(\d+) requests in `)
	wrkTrouble  = regexp.MustCompile(`(?m)^.*(?:Socket errors|Non-2xx).*$`)
)

// Wrk puts load on a URL.
func Wrk(t testing.TB, connections int, duration time.Duration, url string) Load {
	t.Helper()
	wrk := Find(t, "wrk")
	out, err := exec.Command(wrk, "--threads", "1", "--connections", strconv.Itoa(connections),
		"--duration", strconv.Itoa(int(duration.Seconds()))+"s", "--timeout", "10s", url).CombinedOutput()
	if err != nil {
		t.Fatalf("wrk: %v\n%s", err, out)
	}
	l := Load{Report: string(out), Trouble: strings.Join(wrkTrouble.FindAllString(string(out), -1), "\n")}
	found := wrkRequests.FindStringSubmatch(l.Report)
	if found == nil {
		t.Fatalf("wrk reported:\n%s", out)
	}
	if l.Requests, err = strconv.ParseInt(found[1], 10, 64); err != nil {
		t.Fatal(err)
	}
	return l
}
