package scenarios

import (
	"context"

	"github.com/anygate/anygate/bench/internal/load"
	"github.com/anygate/anygate/bench/internal/report"
	"github.com/anygate/anygate/bench/internal/trial"
	"github.com/anygate/anygate/bench/peers"
)

func pipelinedH2load() *Scenario {
	return &Scenario{
		Name:    "pipelined-h2load",
		Title:   "Fixed answer, 16 requests under way on each of 64 connections",
		About:   "Pipelining as a client does it that sends a request for every answer: wrk waits for all 16 before it sends the next 16. Asked by h2load, whose parser costs the generator's processor more than most servers spend.",
		Needs:   peers.Fixed,
		Ask:     get("/fixed", 2),
		Lead:    report.CPU,
		Columns: []report.Metric{report.UserCPU, report.SystemCPU, report.Throughput, report.Busy, report.Others, report.Worst, report.PSS},
		Run:     underH2load(load.H2load{Connections: 64, Streams: 16}),
	}
}

// underH2load runs the server and measures it under h2load.
func underH2load(h2load load.H2load) func(context.Context, *trial.Trial) (report.Sample, error) {
	return func(ctx context.Context, t *trial.Trial) (report.Sample, error) {
		server, err := t.Start(ctx)
		if err != nil {
			return report.Sample{}, err
		}
		defer server.Stop()
		return server.H2load(ctx, h2load)
	}
}
