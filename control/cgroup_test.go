package control

import (
	"path/filepath"
	"testing"
)

func TestCgroup(t *testing.T) {
	const meminfo = "MemTotal:        8000000 kB\nMemFree:         100 kB\n"
	tests := []struct {
		name       string
		files      map[string]string
		processors int
		memory     int64
	}{
		{"no cgroup at all", map[string]string{"meminfo": meminfo}, 0, 8_000_000 << 10},
		{"nothing known", nil, 0, 0},
		{
			"no limit",
			map[string]string{"meminfo": meminfo, "self": "0::/a\n", "fs/a/cpu.max": "max 100000\n", "fs/a/memory.max": "max\n"},
			0, 8_000_000 << 10,
		},
		{
			"its own limit, rounded up",
			map[string]string{"meminfo": meminfo, "self": "0::/a\n", "fs/a/cpu.max": "150000 100000\n", "fs/a/memory.max": "1048576\n"},
			2, 1 << 20,
		},
		{
			"less than one processor",
			map[string]string{"self": "0::/a\n", "fs/a/cpu.max": "10000 100000\n"},
			1, 0,
		},
		{
			"a tighter limit above",
			map[string]string{
				"meminfo": meminfo, "self": "0::/a/b/c\n", "fs/a/b/c/cpu.max": "400000 100000\n", "fs/a/cpu.max": "300000 100000\n",
				"fs/a/b/c/memory.max": "4194304\n", "fs/a/b/memory.high": "2097152\n",
			},
			3, 2 << 20,
		},
		{
			"both versions mounted",
			map[string]string{"self": "4:memory:/x\n1:name=systemd:/x\n0::/a\n", "fs/a/cpu.max": "200000 100000\n"},
			2, 0,
		},
		{
			"outside its namespace",
			map[string]string{"self": "0::/../../etc\n", "fs/cpu.max": "100000 100000\n", "cpu.max": "900000 100000\n"},
			1, 0,
		},
		{"nonsense", map[string]string{"meminfo": "MemTotal: lots", "self": "0::/a\n", "fs/a/cpu.max": "x y\n", "fs/a/memory.max": "-5\n"}, 0, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			for name, text := range tt.files {
				write(t, dir, name, text)
			}
			s := system{selfCgroup: filepath.Join(dir, "self"), cgroups: filepath.Join(dir, "fs"), meminfo: filepath.Join(dir, "meminfo")}
			if got := s.processors(); got != tt.processors {
				t.Errorf("%d processors, want %d", got, tt.processors)
			}
			if got := s.memory(); got != tt.memory {
				t.Errorf("%d bytes of memory, want %d", got, tt.memory)
			}
		})
	}
}

func TestHostSystem(t *testing.T) {
	if n := hostSystem().memory(); n < 16<<20 {
		t.Errorf("this machine has %d bytes of memory", n)
	}
	if r := survey(); len(r.cpus) == 0 || r.descriptors < 16 {
		t.Errorf("this process has %d processors and %d descriptors", len(r.cpus), r.descriptors)
	}
}
