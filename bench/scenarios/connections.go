package scenarios

import (
	"context"
	"fmt"

	"github.com/anygate/anygate/bench/internal/report"
	"github.com/anygate/anygate/bench/internal/trial"
	"github.com/anygate/anygate/bench/peers"
)

// connectionsRate is the same for every number of connections, so that only their number differs. It leaves each server
// most of its processor, and the generator time to be punctual.
const connectionsRate = 20_000

// spareDescriptors are for what is not a connection, on either side.
const spareDescriptors = 500

// connections is the scenario for one number of connections.
func connections(number int) *Scenario {
	return &Scenario{
		Name:  fmt.Sprintf("connections-%d", number),
		Title: report.Format(float64(number)) + " connections, the same rate of requests",
		About: fmt.Sprintf("Open loop of %s requests per second that go round all connections: what a connection costs to accept, to hold, and how much dearer a request becomes as they grow in number.", report.Format(connectionsRate)),
		Needs: peers.Fixed,
		Ask:   get("/fixed", 2),
		Lead:  report.CPU,
		Columns: []report.Metric{
			report.AcceptCPU, report.PerIdle, report.PerPair, report.Throughput, report.Busy, report.Others,
			report.P50, report.P99, report.P999, report.Late, report.PSS,
		},
		Run: func(ctx context.Context, t *trial.Trial) (report.Sample, error) {
			if need := uint64(number + spareDescriptors); t.Bench.Descriptors < need {
				return report.Sample{}, fmt.Errorf("it needs %d open files, the limit is %d (ulimit -n)", need, t.Bench.Descriptors)
			}
			server, err := t.Start(ctx)
			if err != nil {
				return report.Sample{}, err
			}
			defer server.Stop()
			return server.Connections(ctx, number, connectionsRate)
		},
	}
}
