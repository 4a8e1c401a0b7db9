package trial

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/anygate/anygate/bench/internal/generate"
	"github.com/anygate/anygate/bench/internal/proc"
	"github.com/anygate/anygate/bench/internal/report"
	"github.com/anygate/anygate/bench/peers"
)

// TestMain lets this test's program be the generator's process, as the benchmark's own program is.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == generate.Command {
		if err := generate.Main(os.Stdin, os.Stdout); err != nil {
			os.Stderr.WriteString(err.Error())
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// testTrial prepares a trial of the floor, which needs nothing but a C compiler.
func testTrial(t *testing.T) *Trial {
	t.Helper()
	allowed, err := proc.Allowed()
	if err != nil {
		t.Fatal(err)
	}
	bench := &Bench{ServerCPUs: allowed[:1], LoadCPUs: allowed[len(allowed)-1:], Duration: time.Second, Descriptors: 1024}
	if err := bench.Open(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(bench.Close)
	module, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	all := peers.Default()
	floor := all[slices.Index(peers.Names(all), report.Floor)]
	program, err := floor.Find(t.Context(), peers.Workshop{Module: module, Bin: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	return &Trial{Bench: bench, Peer: floor, Program: program, Ask: Ask{
		Path: "/fixed", Request: generate.Request{Head: generate.Head("GET", "/fixed"), Status: 200, Length: 2},
	}}
}

func TestGenerateMeasuresCosts(t *testing.T) {
	server, err := testTrial(t).Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer server.Stop()
	if start := server.StartUp(); start <= 0 || start > startPatience {
		t.Errorf("started within %v", start)
	}
	sample, err := server.Generate(t.Context(), generate.Plan{
		Connections: 4, Rate: 2000, Requests: []generate.Request{server.Ask.Request}, Sleep: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, metric := range []report.Metric{report.CPU, report.Throughput, report.Busy, report.P50, report.P999, report.PSS, report.RSS, report.Offered} {
		if sample.Figures[metric] <= 0 {
			t.Errorf("%s is %v", metric, sample.Figures[metric])
		}
	}
	if each := sample.Figures[report.CPU]; each > 1000 {
		t.Errorf("a request of the floor costs %v microseconds", each)
	}
	if sample.Failures.Sum() != 0 || len(sample.Faults) != 0 {
		t.Errorf("failures %s, faults %v", sample.Failures, sample.Faults)
	}
}

func TestIdleMeasuresMemory(t *testing.T) {
	server, err := testTrial(t).Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer server.Stop()
	sample, err := server.Idle(t.Context(), 100)
	if err != nil {
		t.Fatal(err)
	}
	if each := sample.Figures[report.PerIdle]; each < 0 || each > 4096 || sample.Figures[report.PSS] <= 0 || len(sample.Faults) != 0 {
		t.Errorf("sample %+v", sample)
	}
}

func TestAWrongAnswerIsNotMeasured(t *testing.T) {
	trial := testTrial(t)
	trial.Ask.Request.Status = 404
	process, err := trial.Start(t.Context())
	if err == nil {
		process.Stop()
		t.Fatal("a server was measured that answers wrongly")
	}
	if !strings.Contains(err.Error(), "status 200, not 404") {
		t.Errorf("error %v does not say what was wrong", err)
	}
}

func TestAServerThatEndsIsReported(t *testing.T) {
	trial := testTrial(t)
	trial.Program = "/bin/false"
	if _, err := trial.Start(t.Context()); err == nil || !strings.Contains(err.Error(), "ended early") {
		t.Errorf("error %v", err)
	}
}

func TestDisturbance(t *testing.T) {
	server := &Server{}
	tests := []struct {
		name string
		cost proc.Cost
		says string
	}{
		{"quiet", proc.Cost{Total: 800 * time.Millisecond, Busy: 850 * time.Millisecond}, ""},
		{"ticks rounded down", proc.Cost{Total: 800 * time.Millisecond, Busy: 790 * time.Millisecond}, ""},
		{"neighbour", proc.Cost{Total: 500 * time.Millisecond, Busy: 900 * time.Millisecond}, "40 % of the server's processors went elsewhere"},
		{"hypervisor", proc.Cost{Total: 500 * time.Millisecond, Busy: 500 * time.Millisecond, Stolen: 200 * time.Millisecond}, "the hypervisor took 20 %"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := server.disturbance(test.cost, 1)
			if test.says == "" && got != "" || !strings.Contains(got, test.says) {
				t.Errorf("disturbance = %q, want %q", got, test.says)
			}
		})
	}
}
