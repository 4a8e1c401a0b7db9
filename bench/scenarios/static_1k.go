package scenarios

import (
	"github.com/anygate/anygate/bench/internal/load"
	"github.com/anygate/anygate/bench/internal/report"
	"github.com/anygate/anygate/bench/internal/trial"
	"github.com/anygate/anygate/bench/peers"
)

func static1K() *Scenario {
	return &Scenario{
		Name:    "static-1k",
		Title:   "File of 1 KiB, 64 connections",
		About:   "A small asset, hot in the page cache.",
		Needs:   peers.SmallFile,
		Ask:     get("/static/1k.txt", 1*trial.KiB),
		Lead:    report.CPU,
		Columns: closedLoop(),
		Run:     underWrk(load.Wrk{Connections: 64}),
	}
}
