package scenarios

import (
	"github.com/anygate/anygate/bench/internal/load"
	"github.com/anygate/anygate/bench/internal/report"
	"github.com/anygate/anygate/bench/peers"
)

func shardsPipelined() *Scenario {
	return &Scenario{
		Name:    "shards-pipelined",
		Title:   "All processors against one, 16 requests pipelined, 64 connections for each",
		About:   "The same with the kernel's share divided by sixteen: whatever shards share in user space would show here first.",
		Needs:   peers.Fixed,
		Ask:     get("/fixed", 2),
		Lead:    report.ScaleUp,
		Columns: []report.Metric{report.OneRate, report.Throughput, report.OneCPU, report.CPU, report.UserCPU, report.SystemCPU, report.Others, report.PSS},
		Run:     scaleUnder(load.Wrk{Connections: 64, Pipeline: 16}),
	}
}
