package scenarios

import (
	"github.com/anygate/anygate/bench/internal/load"
	"github.com/anygate/anygate/bench/internal/report"
	"github.com/anygate/anygate/bench/peers"
)

func fixed64H2load() *Scenario {
	return &Scenario{
		Name:    "fixed-64-h2load",
		Title:   "Fixed answer, 64 connections, asked by h2load",
		About:   "The same as fixed-64 from another generator: a ratio that holds for one of them only is the generator's, not the server's.",
		Needs:   peers.Fixed,
		Ask:     get("/fixed", 2),
		Lead:    report.CPU,
		Columns: []report.Metric{report.UserCPU, report.SystemCPU, report.Throughput, report.Busy, report.Others, report.Worst, report.PSS},
		Run:     underH2load(load.H2load{Connections: 64}),
	}
}
