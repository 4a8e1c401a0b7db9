package trial

import (
	"context"
	"fmt"
	"time"

	"github.com/anygate/anygate/bench/internal/generate"
	"github.com/anygate/anygate/bench/internal/report"
)

// settle is how long a server is left alone before its memory is read: what it frees or hands back late is not held
// against it.
const settle = 5 * time.Second

// Idle measures the memory of connections that have had an answer and then stay idle.
func (s *Server) Idle(ctx context.Context, connections int) (report.Sample, error) {
	if err := s.warm(ctx, 1); err != nil {
		return report.Sample{}, err
	}
	if err := pause(ctx, settle); err != nil {
		return report.Sample{}, err
	}
	before, err := s.process.Memory()
	if err != nil {
		return report.Sample{}, err
	}
	idle, err := generate.OpenIdle(s.address, connections, s.Ask.Request, s.Ask.Secure)
	if err != nil {
		return report.Sample{}, err
	}
	defer idle.Close()
	if err := pause(ctx, settle); err != nil {
		return report.Sample{}, err
	}
	after, err := s.process.Memory()
	if err != nil {
		return report.Sample{}, err
	}
	sample := report.Sample{Round: s.Round, Faults: s.alive(), Figures: map[report.Metric]float64{
		report.PerIdle: float64(after.PSS-before.PSS) / float64(connections),
		report.PSS:     float64(after.PSS) / MiB,
		report.RSS:     float64(after.RSS) / MiB,
	}}
	if alive := idle.Alive(); alive < connections {
		sample.Faults = append(sample.Faults, fmt.Sprintf("%d of %d connections were closed by the server", connections-alive, connections))
	}
	return sample, nil
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
