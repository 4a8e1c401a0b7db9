package scenarios

import (
	"github.com/anygate/anygate/bench/internal/load"
	"github.com/anygate/anygate/bench/internal/report"
	"github.com/anygate/anygate/bench/internal/trial"
	"github.com/anygate/anygate/bench/peers"
)

func proxy64K() *Scenario {
	return &Scenario{
		Name:    "proxy-64k",
		Title:   "Proxied answer of 64 KiB, 64 connections",
		About:   "Content relayed from an upstream: how often bytes are touched on their way.",
		Needs:   peers.Proxy,
		Ask:     get("/proxy/64k", 64*trial.KiB),
		Lead:    report.CPU,
		Columns: transfers(),
		Run:     underWrk(load.Wrk{Connections: 64}),
	}
}
