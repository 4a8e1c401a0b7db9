package scenarios

import (
	"context"

	"github.com/anygate/anygate/bench/internal/load"
	"github.com/anygate/anygate/bench/internal/report"
	"github.com/anygate/anygate/bench/internal/trial"
	"github.com/anygate/anygate/bench/peers"
)

// cost is the scenario of what something costs beside serving: the same server with it and without, in each round.
func cost(s *Scenario) *Scenario {
	s.Lead = report.OfWithout
	s.Columns = []report.Metric{
		report.CPU, report.WithoutCPU, report.UserCPU, report.SystemCPU, report.Throughput, report.Busy, report.Others, report.P99, report.PSS,
	}
	s.Run = func(ctx context.Context, t *trial.Trial) (report.Sample, error) {
		return t.Beside(ctx, load.Wrk{Connections: 64})
	}
	return s
}

func observability() *Scenario {
	s := cost(&Scenario{
		Name:  "observability",
		Title: "What logging and metrics cost: a file of 1 KiB, 64 connections",
		About: "Each request is logged as JSON to a file, and metrics are asked for each second. In the same round another process of the same server does neither. nginx has no metrics but a few totals (stub_status).",
		Needs: peers.SmallFile | peers.Observed,
		Ask:   get("/static/1k.txt", 1*trial.KiB),
	})
	s.Ask.Observed = true
	return s
}

func limit() *Scenario {
	s := cost(&Scenario{
		Name:  "limit",
		Title: "What limiting rates costs: a file of 1 KiB, 64 connections",
		About: "Each client has a limit that it does not reach; AnyGate tells it in two fields of the response how much is left. In the same round another process of the same server has no limit.",
		Needs: peers.SmallFile | peers.Limited,
		Ask:   get("/static/1k.txt", 1*trial.KiB),
	})
	s.Ask.Limited = true
	return s
}
