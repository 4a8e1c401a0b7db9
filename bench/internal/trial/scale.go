package trial

import (
	"context"
	"slices"

	"github.com/anygate/anygate/bench/internal/load"
	"github.com/anygate/anygate/bench/internal/proc"
	"github.com/anygate/anygate/bench/internal/report"
)

// Scale measures the peer on one processor, and then on all that the benchmark has. In both cases wrk runs on the same
// processors as the server, with one thread on each and as many connections for each: where there is no processor to
// spare for the generator, its work has to grow along with the server's, or it would be the limit in one of the cases.
func (t *Trial) Scale(ctx context.Context, wrk load.Wrk) (report.Sample, error) {
	all := slices.Sorted(slices.Values(slices.Concat(t.Bench.ServerCPUs, t.Bench.LoadCPUs)))
	one, err := t.shared(ctx, all[:1], wrk)
	if err != nil {
		return report.Sample{}, err
	}
	wrk.Connections *= len(all)
	many, err := t.shared(ctx, all, wrk)
	if err != nil {
		return report.Sample{}, err
	}
	many.Failures = many.Failures.Add(one.Failures)
	many.Faults = append(many.Faults, one.Faults...)
	if many.Disturbance == "" {
		many.Disturbance = one.Disturbance
	}
	many.Figures[report.OneCPU] = one.Figures[report.CPU]
	many.Figures[report.OneRate] = one.Figures[report.Throughput]
	many.Figures[report.ScaleUp] = many.Figures[report.Throughput] / one.Figures[report.Throughput]
	return many, nil
}

// shared measures the peer on processors that it shares with wrk.
func (t *Trial) shared(ctx context.Context, cpus proc.CPUs, wrk load.Wrk) (report.Sample, error) {
	bench := *t.Bench
	bench.ServerCPUs, bench.LoadCPUs, bench.Together = cpus, cpus, true
	both := *t
	both.Bench = &bench
	server, err := both.Start(ctx)
	if err != nil {
		return report.Sample{}, err
	}
	defer server.Stop()
	return server.Wrk(ctx, wrk)
}
