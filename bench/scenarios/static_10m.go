package scenarios

import (
	"github.com/anygate/anygate/bench/internal/load"
	"github.com/anygate/anygate/bench/internal/report"
	"github.com/anygate/anygate/bench/internal/trial"
	"github.com/anygate/anygate/bench/peers"
)

func static10M() *Scenario {
	return &Scenario{
		Name:    "static-10m",
		Title:   "File of 10 MiB, 16 connections",
		About:   "A download, hot in the page cache: copies and back-pressure.",
		Needs:   peers.LargeFile,
		Ask:     get("/static/10m.bin", 10*trial.MiB),
		Lead:    report.CPU,
		Columns: transfers(),
		Run:     underWrk(load.Wrk{Connections: 16}),
	}
}
