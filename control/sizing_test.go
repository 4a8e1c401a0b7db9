package control

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/anygate/anygate/engine"
)

func TestFit(t *testing.T) {
	const (
		fixed   = `routes: {"/": OK}`
		proxied = `routes: {"/": "http://127.0.0.1:1"}`
	)
	four := resources{cpus: []int{2, 3, 5, 7}, memory: 8 << 30, descriptors: 100_000}
	tests := []struct {
		name    string
		text    string
		have    func(r *resources)
		shards  int
		pins    []int
		clients int
		conns   int
		remark  string
	}{
		{"a shard for each processor", fixed, nil, 4, []int{2, 3, 5, 7}, 24_968, 24_968, ""},
		{"a quarter is for upstreams", proxied, nil, 4, []int{2, 3, 5, 7}, 18_342, 24_456, ""},
		{
			"10,000 clients of a proxy and a site fit into 20,000 descriptors", proxied[:len(proxied)-1] + `, "/static/": .}` + "\nserver: {shards: 1, limits: {connections: 12000}}",
			func(r *resources) { r.descriptors = 20_000 }, 1,
			[]int{-1},
			12_000, 16_908, "",
		},
		{"as many as the cgroup grants, left to the scheduler", fixed, func(r *resources) { r.quota = 2 }, 2, []int{-1, -1}, 49_952, 49_952, ""},
		{"a quota above the processors", fixed, func(r *resources) { r.quota = 9 }, 4, []int{2, 3, 5, 7}, 24_968, 24_968, ""},
		{"as configured", fixed + "\nserver: {shards: 1}", nil, 1, []int{-1}, 99_920, 99_920, ""},
		{"more than processors", fixed + "\nserver: {shards: 5}", nil, 5, []int{-1, -1, -1, -1, -1}, 19_971, 19_971, ""},
		{"a processor for one shard", fixed + "\nserver: {shards: 1}", func(r *resources) { r.cpus = []int{6} }, 1, []int{6}, 99_920, 99_920, ""},
		{"configured connections are divided", proxied + "\nserver: {limits: {connections: 1001}}", nil, 4, []int{2, 3, 5, 7}, 251, 24_456, ""},
		{
			"more connections than descriptors", fixed + "\nserver: {limits: {connections: 1000000}}", nil, 4,
			[]int{2, 3, 5, 7},
			24_968, 24_968,
			"server.limits.connections is 1000000, but a limit of 100000 open files allows 99872",
		},
		{
			"more clients of a proxy than descriptors", proxied + "\nserver: {limits: {connections: 80000}}", nil, 4,
			[]int{2, 3, 5, 7},
			18_342, 24_456,
			"server.limits.connections is 80000, but a limit of 100000 open files allows 73368",
		},
		{"no limit of open files", proxied, func(r *resources) { r.descriptors = 1 << 30 }, 4, []int{2, 3, 5, 7}, 3 << 18, 1 << 20, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := four
			if tt.have != nil {
				tt.have(&r)
			}
			s, err := fit(parse(t, "", tt.text), r)
			if err != nil {
				t.Fatal(err)
			}
			if s.shards != tt.shards || !slices.Equal(s.pins, tt.pins) {
				t.Errorf("%d shards on processors %v, want %d on %v", s.shards, s.pins, tt.shards, tt.pins)
			}
			if s.limits.Clients != tt.clients || s.limits.Connections != tt.conns {
				t.Errorf("%d clients of %d connections, want %d of %d", s.limits.Clients, s.limits.Connections, tt.clients, tt.conns)
			}
			if got := strings.Join(s.remarks, "\n"); !strings.Contains(got, tt.remark) || (tt.remark == "") != (got == "") {
				t.Errorf("remarks %q, want %q", got, tt.remark)
			}
		})
	}
}

func TestFitSpin(t *testing.T) {
	tests := []struct {
		name   string
		server string
		cpus   int
		quota  int
		spin   time.Duration
		remark string
	}{
		{"not asked for", "shards: 1", 4, 0, 0, ""},
		{"a processor is left", "shards: 3, spin: 50us", 4, 0, 50 * time.Microsecond, ""},
		{"a shard for each processor", "spin: 50us", 4, 0, 0, "server.spin is 50us, but 4 shards on 4 processors leave none for anything else"},
		{"one of each", "spin: 50us", 1, 0, 0, "but 1 shard on 1 processor leave"},
		{"a shard for each processor, by number", "shards: 4, spin: 1ms", 4, 0, time.Millisecond, ""},
		{"a shard for all that the cgroup grants", "spin: 20us", 4, 2, 0, "but 2 shards on 2 processors leave"},
		{"fewer shards than that", "shards: 1, spin: 20us", 4, 2, 20 * time.Microsecond, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cfg := parse(t, "", `routes: {"/": OK}`+"\nserver: {"+tt.server+"}")
			s, err := fit(cfg, resources{cpus: make([]int, tt.cpus), quota: tt.quota, memory: 8 << 30, descriptors: 100_000})
			if err != nil {
				t.Fatal(err)
			}
			if s.spin != tt.spin {
				t.Errorf("spins for %v, want %v", s.spin, tt.spin)
			}
			if got := strings.Join(s.remarks, "\n"); !strings.Contains(got, tt.remark) || (tt.remark == "") != (got == "") {
				t.Errorf("remarks %q, want %q", got, tt.remark)
			}
		})
	}
}

func TestFitRefusesTooFewDescriptors(t *testing.T) {
	_, err := fit(parse(t, "", `routes: {"/": OK}`), resources{cpus: make([]int, 64), descriptors: 1024})
	if err == nil {
		t.Fatal("64 shards fit into 1024 descriptors")
	}
	wantIn(t, err.Error(), "1024 open files", "64 shards", "LimitNOFILE")
}

func TestBuffers(t *testing.T) {
	tests := []struct {
		name          string
		shards        int
		asked, memory int64
		small, large  int
		heap          int64
		remark        string
	}{
		{"a quarter of the memory", 2, 0, 1 << 30, 128 << 20 / 2 / engine.SmallBuffer, 128 << 20 / 2 / engine.LargeBuffer, (768 << 20) / 5 * 4, ""},
		{"no more than is useful", 1, 0, 64 << 30, 65536, 256 << 20 / engine.LargeBuffer, (64<<30 - 512<<20) / 5 * 4, ""},
		{"memory unknown", 1, 0, 0, 65536, 256 << 20 / engine.LargeBuffer, 0, ""},
		{"as configured", 2, 64 << 20, 1 << 30, 4096, 16 << 20 / engine.LargeBuffer, (1<<30 - 64<<20) / 5 * 4, ""},
		{"never too few", 4, 1 << 20, 128 << 20, minSmallBuffers, minLargeBuffers, (127 << 20) / 5 * 4, ""},
		{"a small container", 1, 0, 64 << 20, 2048, 8 << 20 / engine.LargeBuffer, minHeapLimit, ""},
		{"all of the memory", 2, 1 << 30, 1 << 30, 65536, 256 << 20 / engine.LargeBuffer, minHeapLimit, ""},
		{
			"more than the memory", 2, 99999 << 40, 1<<30 + 12345, 128 << 20 / 2 / engine.SmallBuffer, 128 << 20 / 2 / engine.LargeBuffer,
			(1<<30 + 12345 - (1<<30+12345)/4) / 5 * 4,
			"server.limits.buffers is 99999TiB, more than the 1GiB of memory that this process may use: the default is used instead",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := size{shards: tt.shards}
			s.buffers(tt.asked, tt.memory)
			if s.limits.SmallBuffers != tt.small || s.limits.LargeBuffers != tt.large {
				t.Errorf("%d small and %d large buffers, want %d and %d", s.limits.SmallBuffers, s.limits.LargeBuffers, tt.small, tt.large)
			}
			if s.heap != tt.heap {
				t.Errorf("a heap of %d, want %d", s.heap, tt.heap)
			}
			if got := strings.Join(s.remarks, "\n"); got != tt.remark {
				t.Errorf("remarks %q, want %q", got, tt.remark)
			}
		})
	}
}
