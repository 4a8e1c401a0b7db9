package scenarios

import (
	"context"
	"errors"

	"github.com/anygate/anygate/bench/internal/generate"
	"github.com/anygate/anygate/bench/internal/report"
	"github.com/anygate/anygate/bench/internal/trial"
	"github.com/anygate/anygate/bench/peers"
)

// offeredShare is the share of a server's capacity that an open loop offers.
const offeredShare = 0.5

// generatorRate is what one thread of the generator can offer with time to spare.
const generatorRate = 90_000

// openLoop has requests arrive as a Poisson process at a rate chosen by the trial, on 64 connections.
func openLoop(rate func(t *trial.Trial) float64) func(context.Context, *trial.Trial) (report.Sample, error) {
	return func(ctx context.Context, t *trial.Trial) (report.Sample, error) {
		offered := min(rate(t), generatorRate)
		if offered <= 0 {
			return report.Sample{}, errors.New("its capacity is unknown")
		}
		server, err := t.Start(ctx)
		if err != nil {
			return report.Sample{}, err
		}
		defer server.Stop()
		return server.Generate(ctx, generate.Plan{
			Connections: 64,
			Rate:        offered,
			Requests:    []generate.Request{t.Ask.Request},
		})
	}
}

func openLoopColumns() []report.Metric {
	return []report.Metric{
		report.Offered, report.Throughput, report.CPU, report.Busy, report.Others,
		report.P50, report.P90, report.P99, report.P999, report.Worst, report.Late,
	}
}

func latencyOwn() *Scenario {
	return &Scenario{
		Name:      "latency-half",
		Title:     "Latency at half of each server's own capacity",
		About:     "Open loop, fixed answer, Poisson arrivals on 64 connections, timed from the intended instant of sending. Capacity is the rate at which the server would use its processors up, found by a short run of wrk; a faster server is asked for more.",
		Needs:     peers.Fixed,
		Ask:       get("/fixed", 2),
		Lead:      report.P999,
		Columns:   openLoopColumns(),
		Calibrate: true,
		Run:       openLoop(func(t *trial.Trial) float64 { return offeredShare * t.Capacity }),
	}
}
