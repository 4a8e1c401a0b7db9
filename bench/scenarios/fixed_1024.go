package scenarios

import (
	"github.com/anygate/anygate/bench/internal/load"
	"github.com/anygate/anygate/bench/internal/report"
	"github.com/anygate/anygate/bench/peers"
)

func fixed1024() *Scenario {
	return &Scenario{
		Name:    "fixed-1024",
		Title:   "Fixed answer, 1,024 connections",
		About:   "The same with a working set that leaves the caches: what a connection costs when it has company.",
		Needs:   peers.Fixed,
		Ask:     get("/fixed", 2),
		Lead:    report.CPU,
		Columns: closedLoop(),
		Run:     underWrk(load.Wrk{Connections: 1024}),
	}
}
