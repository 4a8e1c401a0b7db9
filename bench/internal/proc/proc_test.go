package proc

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestParseCPUs(t *testing.T) {
	tests := []struct {
		text string
		want string // Empty stands for an error.
	}{
		{"0", "0"},
		{"0,2", "0,2"},
		{"4-7", "4,5,6,7"},
		{"0,4-5", "0,4,5"},
		{"", ""},
		{"a", ""},
		{"3-1", ""},
		{"-1", ""},
		{"0-", ""},
		{"99999", ""},
	}
	for _, test := range tests {
		cpus, err := ParseCPUs(test.text)
		if err != nil && test.want != "" || err == nil && cpus.String() != test.want {
			t.Errorf("ParseCPUs(%q) = %v, %v; want %q", test.text, cpus, err, test.want)
		}
	}
}

func TestParseStat(t *testing.T) {
	const line = "4242 (a) b (c)) S 17 4242 4242 0 -1 4194560 500 0 0 0 1234 567 0 0 20 0 1 0 100 1000 10"
	got, err := parseStat(line)
	if want := (stat{parent: 17, userTicks: 1234, systemTicks: 567}); err != nil || got != want {
		t.Errorf("parseStat = %+v, %v; want %+v", got, err, want)
	}
	if _, err := parseStat("4242 (short) S 17"); err == nil {
		t.Error("a short line was accepted")
	}
}

func TestBusyTime(t *testing.T) {
	const text = "cpu  999 999 999 999 999 999 999 999 0 0\n" +
		"cpu0 10 1 20 5000 7 3 4 6 0 0\n" +
		"cpu1 100 0 100 100 0 0 0 0 0 0\n" +
		"cpu10 900 0 0 0 0 0 0 0 0 0\nintr 1 2 3\n"
	busy, stolen := busyTime(text, CPUs{0})
	if busy != 380*time.Millisecond || stolen != 60*time.Millisecond {
		t.Errorf("processor 0: busy %v, stolen %v; want 380ms, 60ms", busy, stolen)
	}
	if busy, _ := busyTime(text, CPUs{0, 1}); busy != 2380*time.Millisecond {
		t.Errorf("processors 0 and 1: busy %v, want 2.38s", busy)
	}
}

func TestParseRollup(t *testing.T) {
	const text = "00400000-7fff000 ---p 00000000 00:00 0    [rollup]\nRss:     2048 kB\nPss:     1024 kB\nPss_Anon: 99 kB\n"
	got, err := parseRollup([]byte(text))
	if want := (Memory{PSS: 1 << 20, RSS: 2 << 20}); err != nil || got != want {
		t.Errorf("parseRollup = %+v, %v; want %+v", got, err, want)
	}
}

// TestCostSeesDescendants burns processor time in a child of a child and finds it in the books of the tree.
func TestCostSeesDescendants(t *testing.T) {
	cpus, err := Allowed()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	process, err := Start(Spec{
		// The second shell burns; the first waits for it and so remains its parent.
		Argv:   []string{"/bin/sh", "-c", `/bin/sh -c 'i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done; sleep 600'; exit`},
		Dir:    dir,
		CPUs:   cpus[:1],
		Output: filepath.Join(dir, "out"),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer process.Stop()
	deadline := time.Now().Add(30 * time.Second)
	for {
		cost, err := process.Cost(cpus[:1])
		if err == nil && cost.Total > 20*time.Millisecond && cost.Busy > 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("after 30 s the books hold %+v, %v", cost, err)
		}
	}
	memory, err := process.Memory()
	if err != nil || memory.PSS <= 0 || memory.RSS < memory.PSS {
		t.Errorf("Memory = %+v, %v", memory, err)
	}
}

func TestStopKillsTheGroup(t *testing.T) {
	dir := t.TempDir()
	process, err := Start(Spec{
		Argv:   []string{"/bin/sh", "-c", "trap '' TERM; sleep 600 & echo $!; wait; wait"},
		Dir:    dir,
		Output: filepath.Join(dir, "out"),
	})
	if err != nil {
		t.Fatal(err)
	}
	for process.Tail() == "" {
		select {
		case <-process.Exited():
			t.Fatal(process.Failure())
		default:
		}
	}
	process.Stop()
	// The killed orphan needs a moment to die, and is a zombie until its new parent reaps it.
	stat := "/proc/" + process.Tail() + "/stat"
	for deadline := time.Now().Add(10 * time.Second); ; {
		text, err := os.ReadFile(stat)
		if err != nil || strings.Contains(string(text), ") Z ") || strings.Contains(string(text), ") X ") {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("a member of the group is alive: %s", text)
		}
	}
	process.Stop() // A second call finds nothing to do.
}

func TestOutputReportsFailure(t *testing.T) {
	_, err := Output(t.Context(), nil, nil, nil, "/bin/sh", "-c", "echo reason >&2; exit 3")
	if err == nil || !strings.Contains(err.Error(), "reason") || !strings.Contains(err.Error(), "exit status 3") {
		t.Errorf("error %v does not say why", err)
	}
	out, err := Output(t.Context(), nil, nil, strings.NewReader("hello"), "/bin/cat")
	if err != nil || string(out) != "hello" {
		t.Errorf("Output = %q, %v", out, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Output(ctx, nil, nil, nil, "/bin/sleep", "600"); err == nil {
		t.Error("a cancelled context did not end the program")
	}
}

func TestFreePort(t *testing.T) {
	port, err := FreePort()
	if err != nil || port < firstPort || port >= lastPort {
		t.Errorf("FreePort = %d, %v", port, err)
	}
}
