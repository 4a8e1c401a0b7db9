package scenarios

import (
	"context"

	"github.com/anygate/anygate/bench/internal/generate"
	"github.com/anygate/anygate/bench/internal/report"
	"github.com/anygate/anygate/bench/internal/trial"
	"github.com/anygate/anygate/bench/peers"
)

// library is the table of many files: the n-th most popular one is asked for in proportion to 1/n, as is usual, and most are
// hardly ever asked for.
func library() []generate.Request {
	requests := make([]generate.Request, trial.ManyFiles)
	for i := range requests {
		requests[i] = generate.Request{
			Head: generate.Head("GET", trial.ManyPath(i)), Weight: max(trial.ManyFiles/(i+1), 1), Status: 200, Length: 1 * trial.KiB,
		}
	}
	return requests
}

func staticMany() *Scenario {
	return &Scenario{
		Name:  "static-many",
		Title: "100,000 files of 1 KiB, 64 connections",
		About: "A large site: each request is for another file, few of them for most of the time. What a server remembers of files shows in its memory, what it does not remember in its time.",
		Needs: peers.SmallFile | peers.LargeFile | peers.Missing,
		Ask:   get("/static/1k.txt", 1*trial.KiB),
		Lead:  report.CPU,
		Columns: []report.Metric{
			report.UserCPU, report.SystemCPU, report.Throughput, report.Busy, report.Others, report.P50, report.P99, report.P999, report.PSS,
		},
		Run: func(ctx context.Context, t *trial.Trial) (report.Sample, error) {
			if err := t.Bench.AddMany(); err != nil {
				return report.Sample{}, err
			}
			server, err := t.Start(ctx)
			if err != nil {
				return report.Sample{}, err
			}
			defer server.Stop()
			return server.Generate(ctx, generate.Plan{Connections: 64, Requests: library()})
		},
	}
}
