package scenarios

import (
	"github.com/anygate/anygate/bench/internal/load"
	"github.com/anygate/anygate/bench/internal/report"
	"github.com/anygate/anygate/bench/peers"
)

func proxySmall() *Scenario {
	return &Scenario{
		Name:    "proxy-2b",
		Title:   "Proxied answer of 2 bytes, 64 connections",
		About:   "A small answer of an upstream over kept connections. The upstream, nginx, shares the generator's processor and is usually the limit: read the cost, not the throughput.",
		Needs:   peers.Proxy,
		Ask:     get("/proxy/ok", 2),
		Lead:    report.CPU,
		Columns: closedLoop(),
		Run:     underWrk(load.Wrk{Connections: 64}),
	}
}
