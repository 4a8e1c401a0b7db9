package scenarios

import (
	"context"

	"github.com/anygate/anygate/bench/internal/generate"
	"github.com/anygate/anygate/bench/internal/load"
	"github.com/anygate/anygate/bench/internal/report"
	"github.com/anygate/anygate/bench/internal/trial"
	"github.com/anygate/anygate/bench/peers"
)

// Scenario is a load.
type Scenario struct {
	// Name is what --scenario takes.
	Name string
	// Title and About head its table.
	Title, About string
	// Needs are the features without which a peer cannot take part.
	Needs peers.Feature
	// Ask is the typical request.
	Ask trial.Ask
	// Lead is the figure that decides, Columns those beside it.
	Lead    report.Metric
	Columns []report.Metric
	// Calibrate has the runner find out first how much each peer can do.
	Calibrate bool
	// Run makes one trial.
	Run func(ctx context.Context, t *trial.Trial) (report.Sample, error)
}

// All is every scenario, in the order in which they run and are reported.
func All() []*Scenario {
	return []*Scenario{
		fixed64(),
		fixed64H2load(),
		fixed1024(),
		pipelined(),
		pipelinedH2load(),
		static1K(),
		static64K(),
		static10M(),
		staticMany(),
		static1KGzip(),
		static64KCoded(),
		proxySmall(),
		proxy64K(),
		upload(),
		perRequest(),
		idle(),
		connections(10),
		connections(100),
		connections(1000),
		connections(5000),
		connections(10_000),
		connections(13_000),
		shards(),
		shardsPipelined(),
		h2cFixed(10, 32),
		h2cFixed(10, 1),
		h2cStatic("1k", "txt", 1*trial.KiB, 16, 32),
		h2cStatic("64k", "bin", 64*trial.KiB, 16, 32),
		tls1K(),
		tls64K(),
		tls10M(),
		fullHandshake(),
		resumedHandshake(),
		rsaHandshake(),
		postQuantumHandshake(),
		tlsIdle(),
		h2TLS("1k", "txt", 1*trial.KiB, 16, 32),
		h2TLS("1k", "txt", 1*trial.KiB, 16, 1),
		h2TLS("64k", "bin", 64*trial.KiB, 16, 32),
		observability(),
		limit(),
		mixed(),
		latencyOwn(),
		latencyCommon(),
		startUp(),
	}
}

// Names lists the names of scenarios.
func Names(scenarios []*Scenario) []string {
	names := make([]string, len(scenarios))
	for i, scenario := range scenarios {
		names[i] = scenario.Name
	}
	return names
}

// closedLoop are the columns of a scenario driven by wrk.
func closedLoop() []report.Metric {
	return []report.Metric{
		report.UserCPU, report.SystemCPU, report.Throughput, report.Busy, report.Others,
		report.P50, report.P99, report.P999, report.PSS,
	}
}

// transfers are those of a scenario in which bytes count.
func transfers() []report.Metric {
	return []report.Metric{
		report.UserCPU, report.SystemCPU, report.Throughput, report.Bandwidth, report.Busy, report.Others,
		report.P50, report.P99, report.PSS,
	}
}

// get is the request for a path, with the number of bytes that must come back.
func get(path string, length int64) trial.Ask {
	return trial.Ask{Path: path, Request: generate.Request{Head: generate.Head("GET", path), Status: 200, Length: length}}
}

// underWrk runs the server and measures it under wrk.
func underWrk(wrk load.Wrk) func(context.Context, *trial.Trial) (report.Sample, error) {
	return func(ctx context.Context, t *trial.Trial) (report.Sample, error) {
		server, err := t.Start(ctx)
		if err != nil {
			return report.Sample{}, err
		}
		defer server.Stop()
		return server.Wrk(ctx, wrk)
	}
}
