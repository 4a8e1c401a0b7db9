package trial

import (
	"context"
	"runtime/debug"

	"github.com/anygate/anygate/bench/internal/generate"
	"github.com/anygate/anygate/bench/internal/proc"
	"github.com/anygate/anygate/bench/internal/report"
)

// memoryGrain is the number of connections from which on the growth of memory stands out from its grain: pages and slabs
// are handed out whole, and the machine does other things beside.
const memoryGrain = 1000

// Connections measures what connections cost: to accept each and answer its first request, to hold them, and to serve
// requests at a fixed rate that go round all of them. Each request then meets the connection that has rested longest, so
// that nothing of it is in a cache any more once the connections have outgrown that.
func (s *Server) Connections(ctx context.Context, connections int, rate float64) (report.Sample, error) {
	if err := s.warm(ctx, 1); err != nil {
		return report.Sample{}, err
	}
	empty, err := s.holding(ctx)
	if err != nil {
		return report.Sample{}, err
	}
	var full holding
	var accepting proc.Cost
	// The generator runs in this process, since somebody has to read the books between its two parts. A collection would
	// be taken for the server's latency.
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	before, err := s.process.Cost(s.Bench.ServerCPUs)
	if err != nil {
		return report.Sample{}, err
	}
	result, err := generate.Run(generate.Plan{
		Address: s.address, Connections: connections, Rate: rate, Duration: s.Bench.Duration, Seed: uint64(s.Round),
		Requests: []generate.Request{s.Ask.Request}, Spread: true,
		Ready: func() error {
			after, err := s.process.Cost(s.Bench.ServerCPUs)
			if err != nil {
				return err
			}
			accepting = after.Sub(before)
			if full, err = s.holding(ctx); err != nil {
				return err
			}
			before, err = s.process.Cost(s.Bench.ServerCPUs)
			return err
		},
	})
	if err != nil {
		return report.Sample{}, err
	}
	after, err := s.process.Cost(s.Bench.ServerCPUs)
	if err != nil {
		return report.Sample{}, err
	}
	sample, err := s.generated(result, after.Sub(before), rate)
	if err != nil {
		return report.Sample{}, err
	}
	each := func(bytes int64) float64 { return float64(bytes) / float64(connections) }
	sample.Figures[report.AcceptCPU] = microseconds(accepting.Total) / float64(connections)
	if connections >= memoryGrain {
		sample.Figures[report.PerIdle] = each(full.memory.PSS - empty.memory.PSS)
		if kernel := full.slabs.Sub(empty.slabs).Sum(); kernel > 0 {
			sample.Figures[report.PerPair] = each(kernel)
		}
	}
	return sample, nil
}

// holding is what connections are held in, in the server and in the kernel.
type holding struct {
	memory proc.Memory
	slabs  proc.Slabs
}

// holding reads it when the server has come to rest.
func (s *Server) holding(ctx context.Context) (h holding, err error) {
	if err := pause(ctx, settle); err != nil {
		return h, err
	}
	h.slabs = proc.ReadSlabs()
	h.memory, err = s.process.Memory()
	return h, err
}
