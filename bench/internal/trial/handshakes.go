package trial

import (
	"context"

	"github.com/anygate/anygate/bench/internal/generate"
	"github.com/anygate/anygate/bench/internal/report"
)

// Handshakes measures what connections cost, each with a handshake as Ask wants it, one request, and its end.
func (s *Server) Handshakes(ctx context.Context, connections int) (report.Sample, error) {
	sample, err := s.Generate(ctx, generate.Plan{Connections: connections, Requests: []generate.Request{s.Ask.Request}})
	if err != nil {
		return report.Sample{}, err
	}
	sample.Figures[report.PerCore] = 1e6 / sample.Figures[report.CPU]
	return sample, nil
}
