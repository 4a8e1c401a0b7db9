package scenarios

import (
	"github.com/anygate/anygate/bench/internal/load"
	"github.com/anygate/anygate/bench/internal/report"
	"github.com/anygate/anygate/bench/peers"
)

func pipelined() *Scenario {
	return &Scenario{
		Name:    "pipelined",
		Title:   "Fixed answer, 16 requests pipelined, 64 connections",
		About:   "The kernel's share is divided by sixteen and what remains is parsing, routing and answering. wrk times batches, and misjudges them: no latencies.",
		Needs:   peers.Fixed,
		Ask:     get("/fixed", 2),
		Lead:    report.CPU,
		Columns: []report.Metric{report.UserCPU, report.SystemCPU, report.Throughput, report.Busy, report.Others, report.PSS},
		Run:     underWrk(load.Wrk{Connections: 64, Pipeline: 16}),
	}
}
