package scenarios

import (
	"fmt"

	"github.com/anygate/anygate/bench/internal/generate"
	"github.com/anygate/anygate/bench/internal/load"
	"github.com/anygate/anygate/bench/internal/report"
	"github.com/anygate/anygate/bench/internal/trial"
	"github.com/anygate/anygate/bench/peers"
)

func upload() *Scenario {
	const path, content = "/proxy/upload", 1 * trial.MiB
	return &Scenario{
		Name:  "upload-1m",
		Title: "Upload of 1 MiB through the proxy, 16 connections",
		About: "Content relayed to an upstream that answers when it has all of it.",
		Needs: peers.Proxy,
		Ask: trial.Ask{Path: path, Request: generate.Request{
			Head:   generate.Head("POST", path, fmt.Sprintf("Content-Length: %d", content)),
			Body:   content,
			Status: 200,
			Length: 2,
		}},
		Lead:    report.CPU,
		Columns: transfers(),
		Run:     underWrk(load.Wrk{Connections: 16, Method: "POST", Body: content}),
	}
}
