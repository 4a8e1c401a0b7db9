package scenarios

import (
	"context"

	"github.com/anygate/anygate/bench/internal/generate"
	"github.com/anygate/anygate/bench/internal/report"
	"github.com/anygate/anygate/bench/internal/trial"
	"github.com/anygate/anygate/bench/peers"
)

// browser is what a browser sends with each request.
var browser = []string{
	"User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
	"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
	"Accept-Language: en-GB,en;q=0.7,de;q=0.3",
	"Accept-Encoding: gzip, deflate, br, zstd",
	"Referer: https://bench.example/",
	"Cookie: session=0123456789abcdef0123456789abcdef; theme=dark",
}

// traffic is the table of the mix, a site with an API behind it.
func traffic() []generate.Request {
	closing := append([]string{"Connection: close"}, browser...)
	return []generate.Request{
		{Weight: 20, Head: generate.Head("GET", "/fixed", browser...), Status: 200, Length: 2},
		{Weight: 26, Head: generate.Head("GET", "/static/1k.txt", browser...), Status: 200, Length: 1 * trial.KiB},
		{Weight: 16, Head: generate.Head("GET", "/static/16k.txt", browser...), Status: 200, Length: 16 * trial.KiB},
		{Weight: 6, Head: generate.Head("GET", "/static/64k.bin", browser...), Status: 200, Length: 64 * trial.KiB},
		{Weight: 4, Head: generate.Head("GET", "/static/missing.png", browser...), Status: 404, Length: -1},
		{Weight: 18, Head: generate.Head("GET", "/proxy/ok", browser...), Status: 200, Length: 2},
		{Weight: 4, Head: generate.Head("GET", "/proxy/64k", browser...), Status: 200, Length: 64 * trial.KiB},
		{Weight: 3, Head: generate.Head("GET", "/static/1k.txt", closing...), Status: 200, Length: 1 * trial.KiB, Close: true},
		{Weight: 3, Head: generate.Head("GET", "/proxy/ok", closing...), Status: 200, Length: 2, Close: true},
	}
}

func mixed() *Scenario {
	return &Scenario{
		Name:  "mixed",
		Title: "Mixed traffic, 128 connections and 16 slow clients",
		About: "Fixed answers, files of several sizes, misses and proxied answers drawn from a table, with a browser's head fields; 6 % of the requests close their connection; 16 clients send and read slowly all the while.",
		Needs: peers.Fixed | peers.SmallFile | peers.LargeFile | peers.Missing | peers.Proxy | peers.Closing,
		Ask:   get("/static/1k.txt", 1*trial.KiB),
		Lead:  report.CPU,
		Columns: []report.Metric{
			report.UserCPU, report.SystemCPU, report.Throughput, report.Bandwidth, report.Busy, report.Others,
			report.P50, report.P99, report.P999, report.PSS,
		},
		Run: func(ctx context.Context, t *trial.Trial) (report.Sample, error) {
			server, err := t.Start(ctx)
			if err != nil {
				return report.Sample{}, err
			}
			defer server.Stop()
			return server.Generate(ctx, generate.Plan{
				Connections: 128,
				Requests:    traffic(),
				Slow:        16,
				SlowRequest: generate.Request{Head: generate.Head("GET", "/static/64k.bin", browser...), Status: 200, Length: 64 * trial.KiB},
				Sleep:       true,
			})
		},
	}
}
