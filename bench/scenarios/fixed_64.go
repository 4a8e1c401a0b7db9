package scenarios

import (
	"github.com/anygate/anygate/bench/internal/load"
	"github.com/anygate/anygate/bench/internal/report"
	"github.com/anygate/anygate/bench/peers"
)

func fixed64() *Scenario {
	return &Scenario{
		Name:    "fixed-64",
		Title:   "Fixed answer, 64 connections",
		About:   "Two bytes from memory over keep-alive: the cost of the server's loop and of the kernel's TCP path, and little else.",
		Needs:   peers.Fixed,
		Ask:     get("/fixed", 2),
		Lead:    report.CPU,
		Columns: closedLoop(),
		Run:     underWrk(load.Wrk{Connections: 64}),
	}
}
