package scenarios

import (
	"github.com/anygate/anygate/bench/internal/generate"
	"github.com/anygate/anygate/bench/internal/load"
	"github.com/anygate/anygate/bench/internal/report"
	"github.com/anygate/anygate/bench/internal/trial"
	"github.com/anygate/anygate/bench/peers"
)

func perRequest() *Scenario {
	return &Scenario{
		Name:  "connection-per-request",
		Title: "A new connection for each request, 64 at a time",
		About: "Accept, one fixed answer, close: clients without keep-alive, and the first request of everyone.",
		Needs: peers.Fixed | peers.Closing,
		Ask: trial.Ask{Path: "/fixed", Closing: true, Request: generate.Request{
			Head: generate.Head("GET", "/fixed", "Connection: close"), Status: 200, Length: 2, Close: true,
		}},
		Lead:    report.CPU,
		Columns: closedLoop(),
		Run:     underWrk(load.Wrk{Connections: 64, Fields: []string{"Connection: close"}}),
	}
}
