package scenarios

import (
	"github.com/anygate/anygate/bench/internal/report"
	"github.com/anygate/anygate/bench/internal/trial"
	"github.com/anygate/anygate/bench/peers"
)

func latencyCommon() *Scenario {
	return &Scenario{
		Name:      "latency-common",
		Title:     "Latency at one rate for all",
		About:     "The same open loop at half of the slowest server's capacity: the same work for everyone, and what each user waits for it.",
		Needs:     peers.Fixed,
		Ask:       get("/fixed", 2),
		Lead:      report.P999,
		Columns:   openLoopColumns(),
		Calibrate: true,
		Run:       openLoop(func(t *trial.Trial) float64 { return offeredShare * t.Least }),
	}
}
