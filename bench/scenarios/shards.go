package scenarios

import (
	"context"

	"github.com/anygate/anygate/bench/internal/load"
	"github.com/anygate/anygate/bench/internal/report"
	"github.com/anygate/anygate/bench/internal/trial"
	"github.com/anygate/anygate/bench/peers"
)

func shards() *Scenario {
	return &Scenario{
		Name:    "shards",
		Title:   "All processors against one, 64 connections for each",
		About:   "A shard, worker or thread on every processor against one on a single processor. The server shares its processors with wrk in both cases, and half of the requests or more cross from one processor to another, as they do on a machine with a network card: the scale-up is that of server, generator and kernel together.",
		Needs:   peers.Fixed,
		Ask:     get("/fixed", 2),
		Lead:    report.ScaleUp,
		Columns: scaling(),
		Run:     scaleUnder(load.Wrk{Connections: 64}),
	}
}

// scaling are the columns of a scenario that compares numbers of processors.
func scaling() []report.Metric {
	return []report.Metric{report.OneRate, report.Throughput, report.OneCPU, report.CPU, report.UserCPU, report.SystemCPU, report.Others, report.P99, report.PSS}
}

// scaleUnder measures the scale-up under wrk.
func scaleUnder(wrk load.Wrk) func(context.Context, *trial.Trial) (report.Sample, error) {
	return func(ctx context.Context, t *trial.Trial) (report.Sample, error) { return t.Scale(ctx, wrk) }
}
