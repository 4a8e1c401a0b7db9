package control

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestMemoryUse(t *testing.T) {
	const (
		meminfo = "MemTotal:        8000000 kB\n"
		statm   = "5000 1000 300 1 0 2 0\n"
	)
	page := int64(os.Getpagesize())
	for _, test := range []struct {
		name        string
		files       map[string]string
		used, limit int64
	}{
		{"nothing known", nil, 0, 0},
		{"no limit: of the machine", map[string]string{"meminfo": meminfo, "statm": statm, "self": "0::/a\n", "fs/a/memory.max": "max\n", "fs/a/memory.current": "99\n"}, 1000 * page, 8_000_000 << 10},
		{
			"of the cgroup, without files",
			map[string]string{
				"meminfo": meminfo, "statm": statm, "self": "0::/a\n", "fs/a/memory.max": "1000\n", "fs/a/memory.current": "900\n",
				"fs/a/memory.stat": "anon 600\ninactive_file 200\nactive_file 50\nsock 3\n",
			},
			650, 1000,
		},
		{
			"the fullest one",
			map[string]string{
				"self": "0::/a/b\n", "fs/a/b/memory.max": "1000\n", "fs/a/b/memory.current": "500\n",
				"fs/a/memory.high": "10000\n", "fs/a/memory.max": "90000\n", "fs/a/memory.current": "9000\n",
			},
			9000, 10000,
		},
		{"nonsense", map[string]string{"statm": "many pages", "self": "0::/a\n", "fs/a/memory.max": "1\n", "fs/a/memory.current": "x\n"}, 0, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			for name, text := range test.files {
				write(t, dir, name, text)
			}
			s := system{
				selfCgroup: filepath.Join(dir, "self"), cgroups: filepath.Join(dir, "fs"),
				meminfo: filepath.Join(dir, "meminfo"), selfStatm: filepath.Join(dir, "statm"),
			}
			if used, limit := s.memoryUse(); used != test.used || limit != test.limit {
				t.Errorf("%d of %d, want %d of %d", used, limit, test.used, test.limit)
			}
		})
	}
	if used, limit := hostSystem().memoryUse(); used <= 0 || limit <= used {
		t.Errorf("this process uses %d of %d", used, limit)
	}
}

func TestMemoryGuard(t *testing.T) {
	var m memoryGuard
	const limit = 1 << 30
	for _, step := range []struct {
		used, heap int64 // percent
		short      bool
		why        string
	}{
		{50, 50, false, ""},
		{94, 94, false, ""},
		{96, 50, true, "memory"},
		{92, 50, true, "memory"},
		{89, 91, true, "heap"},
		{89, 89, false, "heap"},
		{94, 96, true, "heap"},
		{0, 0, false, "heap"},
	} {
		was := m.short
		changed := m.look(limit/100*step.used, limit, limit/100*step.heap, limit)
		if m.short != step.short || m.why != step.why || changed != (was != m.short) {
			t.Errorf("%+v: %+v, changed %t", step, m, changed)
		}
	}
	if m.look(1<<40, 0, 1<<40, 0); m.short {
		t.Error("short of what is not limited")
	}
}

// TestShortMemoryIsToldAndShed makes the process short of memory by a cgroup of the test's, and no longer.
func TestShortMemoryIsToldAndShed(t *testing.T) {
	engines(t, func(t *testing.T, engine string) {
		dir := t.TempDir()
		write(t, dir, "self", "0::/a\n")
		write(t, dir, "fs/a/memory.max", "1000000\n")
		write(t, dir, "fs/a/memory.current", "999999\n")
		r := start(t, "", fmt.Sprintf(minimal, engine))
		go r.guardMemory(system{selfCgroup: filepath.Join(dir, "self"), cgroups: filepath.Join(dir, "fs")})
		ask := func(want int) {
			t.Helper()
			eventually(t, fmt.Sprintf("the answer is %d", want), func() bool {
				status, _ := r.get("/hello")
				return status == want
			})
		}
		ask(503)
		r.says(t, "memory is short", "of=memory used=999999 limit=1000000")
		eventually(t, "the access log says why", func() bool { return strings.Contains(r.out.String(), `"reason":"overload_memory"`) })
		write(t, dir, "fs/a/memory.current", "100\n")
		ask(200)
		r.says(t, "memory is no longer short")
	})
}

// eventually waits until f is true.
func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	for begin := time.Now(); !f(); time.Sleep(time.Millisecond) {
		if time.Since(begin) > 20*time.Second {
			t.Fatalf("waited in vain until %s", what)
		}
	}
}
