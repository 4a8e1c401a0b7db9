package trial

import (
	"testing"

	"github.com/anygate/anygate/bench/internal/load"
	"github.com/anygate/anygate/bench/internal/proc"
	"github.com/anygate/anygate/bench/internal/report"
)

func TestConnectionsMeasuresCosts(t *testing.T) {
	server, err := testTrial(t).Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer server.Stop()
	if _, err := proc.RaiseDescriptorLimit(); err != nil {
		t.Fatal(err)
	}
	sample, err := server.Connections(t.Context(), memoryGrain, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, metric := range []report.Metric{report.AcceptCPU, report.CPU, report.Throughput, report.P99, report.PSS, report.Offered} {
		if sample.Figures[metric] <= 0 {
			t.Errorf("%s is %v", metric, sample.Figures[metric])
		}
	}
	if _, has := sample.Figures[report.PerIdle]; !has {
		t.Error("nothing is said about memory")
	}
	if sample.Failures.Sum() > 0 || len(sample.Faults) > 0 {
		t.Errorf("failures %s, faults %q", sample.Failures, sample.Faults)
	}
}

func TestScaleMeasuresOneAndAll(t *testing.T) {
	trial := testTrial(t)
	sample, err := trial.Scale(t.Context(), load.Wrk{Connections: 8})
	if err != nil {
		t.Fatal(err)
	}
	one, all := sample.Figures[report.OneRate], sample.Figures[report.Throughput]
	if one <= 0 || all <= 0 || sample.Figures[report.OneCPU] <= 0 || sample.Figures[report.ScaleUp] != all/one {
		t.Errorf("figures %v", sample.Figures)
	}
	if trial.Bench.Together {
		t.Error("later trials believe that they share their processors")
	}
}
