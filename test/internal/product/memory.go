package product

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// Memory is the memory of a process in bytes.
type Memory struct {
	Resident int64 // VmRSS
	Peak     int64 // VmHWM, since the last ResetPeak
}

// Memory reads how much memory the process has resident.
func (p *Process) Memory(t testing.TB) Memory {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.PID()))
	if err != nil {
		t.Fatal(err)
	}
	kilobytes := func(name string) (n int64) {
		for line := range strings.Lines(string(status)) {
			if rest, ok := strings.CutPrefix(line, name+":"); ok {
				if _, err := fmt.Sscanf(rest, "%d kB", &n); err != nil {
					t.Fatalf("%q: %v", line, err)
				}
				return n << 10
			}
		}
		t.Fatalf("no %s in:\n%s", name, status)
		return 0
	}
	return Memory{Resident: kilobytes("VmRSS"), Peak: kilobytes("VmHWM")}
}

// ResetPeak makes Peak begin again at what is resident now (proc(5), clear_refs).
func (p *Process) ResetPeak(t testing.TB) {
	t.Helper()
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", p.PID()), []byte("5"), 0); err != nil {
		t.Fatal(err)
	}
}

// Descriptors is how many files the process has open.
func (p *Process) Descriptors(t testing.TB) int {
	t.Helper()
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", p.PID()))
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

// Settled is the memory of the process, with its share of what it has in common with others, once it gets no smaller: a
// garbage collection may be due, and what connections have in use is dropped some time after they have come to rest.
func (p *Process) Settled(t testing.TB) int64 {
	t.Helper()
	const still = 3 * time.Second
	least, since := p.proportional(t), time.Now()
	for deadline := since.Add(30 * time.Second); time.Since(since) < still && time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		if now := p.proportional(t); now < least {
			least, since = now, time.Now()
		}
	}
	return least
}

// proportional reads the proportional set size (proc(5), smaps_rollup).
func (p *Process) proportional(t testing.TB) int64 {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", p.PID()))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "Pss:"); ok {
			var kilobytes int64
			if _, err := fmt.Sscanf(rest, "%d kB", &kilobytes); err != nil {
				t.Fatalf("%q: %v", line, err)
			}
			return kilobytes << 10
		}
	}
	t.Fatalf("no Pss in:\n%s", text)
	return 0
}
