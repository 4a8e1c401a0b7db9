package scenarios

import (
	"context"
	"fmt"

	"github.com/anygate/anygate/bench/internal/report"
	"github.com/anygate/anygate/bench/internal/trial"
	"github.com/anygate/anygate/bench/peers"
)

// idleConnections fits a limit of 20,000 open files on both sides.
const idleConnections = 10_000

func idle() *Scenario {
	return &Scenario{
		Name:    "idle-10000",
		Title:   "10,000 idle connections",
		About:   "Keep-alive connections from ten source addresses that have had one answer each: user memory that the server holds for every one of them. The kernel's share, the same for all, is not in it.",
		Needs:   peers.Fixed,
		Ask:     get("/fixed", 2),
		Lead:    report.PerIdle,
		Columns: []report.Metric{report.PSS, report.RSS},
		Run:     holdIdle,
	}
}

func tlsIdle() *Scenario {
	return &Scenario{
		Name:    "tls-idle-10000",
		Title:   "10,000 idle connections over TLS 1.3",
		About:   "The same with a full handshake first: keys, and whatever buffers a server keeps for records to come.",
		Needs:   peers.Fixed | peers.TLS,
		Ask:     overTLS(get("/fixed", 2)),
		Lead:    report.PerIdle,
		Columns: []report.Metric{report.PSS, report.RSS},
		Run:     holdIdle,
	}
}

func holdIdle(ctx context.Context, t *trial.Trial) (report.Sample, error) {
	if need := uint64(idleConnections + spareDescriptors); t.Bench.Descriptors < need {
		return report.Sample{}, fmt.Errorf("it needs %d open files, the limit is %d (ulimit -n)", need, t.Bench.Descriptors)
	}
	server, err := t.Start(ctx)
	if err != nil {
		return report.Sample{}, err
	}
	defer server.Stop()
	return server.Idle(ctx, idleConnections)
}
