package scenarios

import (
	"github.com/anygate/anygate/bench/internal/load"
	"github.com/anygate/anygate/bench/internal/report"
	"github.com/anygate/anygate/bench/internal/trial"
	"github.com/anygate/anygate/bench/peers"
)

func static64K() *Scenario {
	return &Scenario{
		Name:    "static-64k",
		Title:   "File of 64 KiB, 64 connections",
		About:   "A script or an image, hot in the page cache.",
		Needs:   peers.LargeFile,
		Ask:     get("/static/64k.bin", 64*trial.KiB),
		Lead:    report.CPU,
		Columns: transfers(),
		Run:     underWrk(load.Wrk{Connections: 64}),
	}
}
