package scenarios

import (
	"context"

	"github.com/anygate/anygate/bench/internal/load"
	"github.com/anygate/anygate/bench/internal/report"
	"github.com/anygate/anygate/bench/internal/trial"
	"github.com/anygate/anygate/bench/peers"
)

// coded is the scenario of a file with a coded form, beside a plain file of the form's size. The rest is its caller's.
func coded(name, path string, length int64) *Scenario {
	return &Scenario{
		Name: name,
		Ask:  trial.AskCoded(path, length),
		Lead: report.CPU,
		Columns: []report.Metric{
			report.PlainCPU, report.OfPlain, report.UserCPU, report.SystemCPU, report.Throughput, report.Bandwidth,
			report.Busy, report.Others, report.P99, report.PSS,
		},
		Run: func(ctx context.Context, t *trial.Trial) (report.Sample, error) {
			server, err := t.Start(ctx)
			if err != nil {
				return report.Sample{}, err
			}
			defer server.Stop()
			return server.Coded(ctx, load.Wrk{Connections: 64})
		},
	}
}

func static1KGzip() *Scenario {
	s := coded("static-1k-gz", trial.PrecompressedPath, trial.FormSize)
	s.Title = "File of 4 KiB with a gzip form of 1 KiB beside it, 64 connections"
	s.About = "The form is chosen by Accept-Encoding and sent as it is. In the same round the same server sends a plain file of 1 KiB to clients that accept no coding."
	s.Needs = peers.SmallFile | peers.Precompressed
	return s
}

func static64KCoded() *Scenario {
	s := coded("static-64k-coded", trial.CodingPath, -1)
	s.Title = "File of 64 KiB that the server compresses itself, 64 connections"
	s.About = "Text that becomes a third of its size. Servers that keep the form should send it as cheaply as a plain file; the others compress it for each answer. In the same round the same server sends a plain file as large as its form."
	s.Needs = peers.LargeFile | peers.Coding
	return s
}
