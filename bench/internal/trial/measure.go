package trial

import (
	"context"
	"fmt"
	"time"

	"github.com/anygate/anygate/bench/internal/generate"
	"github.com/anygate/anygate/bench/internal/load"
	"github.com/anygate/anygate/bench/internal/proc"
	"github.com/anygate/anygate/bench/internal/report"
)

// warmUp is how long a server is used before it is measured: caches fill, pools grow, a runtime finds its pace.
const warmUp = 300 * time.Millisecond

// Wrk measures the server under wrk. Address, path, processors, duration and scratch directory are filled in.
func (s *Server) Wrk(ctx context.Context, wrk load.Wrk) (report.Sample, error) {
	if err := s.warm(ctx, wrk.Connections); err != nil {
		return report.Sample{}, err
	}
	folder, err := s.Bench.folder("wrk")
	if err != nil {
		return report.Sample{}, err
	}
	wrk.Address, wrk.Path, wrk.CPUs = s.address, s.Ask.Path, s.Bench.LoadCPUs
	wrk.Duration, wrk.Scratch = s.Bench.Duration, folder
	var result load.Result
	cost, err := s.during(ctx, func() error {
		result, err = wrk.Run(ctx)
		return err
	})
	if err != nil {
		return report.Sample{}, err
	}
	sample, err := s.sample(cost, result.Requests, result.Bytes, result.Elapsed)
	if err != nil {
		return report.Sample{}, err
	}
	sample.latencies(result.P50, result.P90, result.P99, result.P999, result.Max)
	sample.Failures = result.Failures
	if want := s.Ask.Request.Length; want > 0 && result.Requests > 0 && result.Bytes/result.Requests < want {
		sample.Faults = append(sample.Faults, fmt.Sprintf("answers of %d bytes on average, the content alone has %d", result.Bytes/result.Requests, want))
	}
	return sample.Sample, nil
}

// Generate measures the server under a plan of the generator. Address and duration are filled in.
func (s *Server) Generate(ctx context.Context, plan generate.Plan) (report.Sample, error) {
	if err := s.warm(ctx, plan.Connections); err != nil {
		return report.Sample{}, err
	}
	plan.Address, plan.Duration, plan.Seed = s.address, s.Bench.Duration, uint64(s.Round)
	var result generate.Result
	cost, err := s.during(ctx, func() (err error) {
		result, err = generate.InProcess(ctx, s.Bench.LoadCPUs, plan)
		return err
	})
	if err != nil {
		return report.Sample{}, err
	}
	sample, err := s.sample(cost, result.Requests, result.Bytes, result.Elapsed)
	if err != nil {
		return report.Sample{}, err
	}
	sample.latencies(result.P50, result.P90, result.P99, result.P999, result.Max)
	sample.Failures = result.Failures
	if result.Ended > 0 {
		sample.Faults = append(sample.Faults, fmt.Sprintf("the server ended %d connections that were to be kept", result.Ended))
	}
	if plan.Rate > 0 {
		sample.Figures[report.Offered] = plan.Rate
		sample.Figures[report.Late] = microseconds(result.Late)
		if result.Late > maxLate && result.Late > result.P99/4 {
			sample.Faults = append(sample.Faults, fmt.Sprintf("the generator itself was %v late", result.Late.Round(time.Microsecond)))
		}
	}
	return sample.Sample, nil
}

// maxLate is the 99th percentile of the generator's own delay above which its latencies are doubted.
const maxLate = 200 * time.Microsecond

// warm uses the server as the measurement will.
func (s *Server) warm(ctx context.Context, connections int) error {
	result, err := generate.InProcess(ctx, s.Bench.LoadCPUs, generate.Plan{
		Address: s.address, Connections: connections, Duration: warmUp, Requests: []generate.Request{s.Ask.Request}, Sleep: true,
	})
	if err != nil {
		return fmt.Errorf("warm-up: %w", err)
	}
	if result.Requests == 0 {
		return fmt.Errorf("warm-up: no request was answered, failures: %s", result.Failures)
	}
	// wrk connects anew without a word, and the figures would be those of another scenario.
	if result.Ended > 0 {
		return fmt.Errorf("warm-up: the server ended %d connections that were to be kept", result.Ended)
	}
	return nil
}

// during reads the server's books before and after a load.
func (s *Server) during(ctx context.Context, load func() error) (proc.Cost, error) {
	stopProfile, err := s.startProfile(ctx)
	if err != nil {
		return proc.Cost{}, err
	}
	defer stopProfile()
	before, err := s.process.Cost(s.Bench.ServerCPUs)
	if err != nil {
		return proc.Cost{}, err
	}
	if err := load(); err != nil {
		return proc.Cost{}, err
	}
	after, err := s.process.Cost(s.Bench.ServerCPUs)
	if err != nil {
		if faults := s.alive(); faults != nil {
			return proc.Cost{}, fmt.Errorf("%s", faults[0])
		}
		return proc.Cost{}, err
	}
	return after.Sub(before), nil
}

// sample divides costs by requests.
type sample struct{ report.Sample }

func (s *Server) sample(cost proc.Cost, requests, bytes int64, elapsed time.Duration) (*sample, error) {
	if requests == 0 || elapsed <= 0 {
		return nil, fmt.Errorf("no request was answered: %s", s.process.Tail())
	}
	memory, err := s.process.Memory()
	if err != nil {
		return nil, err
	}
	each := func(d time.Duration) float64 { return microseconds(d) / float64(requests) }
	seconds := elapsed.Seconds()
	processors := seconds * float64(len(s.Bench.ServerCPUs))
	out := &sample{report.Sample{Round: s.Round, Faults: s.alive(), Figures: map[report.Metric]float64{
		report.CPU:        each(cost.Total),
		report.UserCPU:    each(cost.User),
		report.SystemCPU:  each(cost.System),
		report.CoreCPU:    each(cost.Busy),
		report.Throughput: float64(requests) / seconds,
		report.Bandwidth:  float64(bytes) / MiB / seconds,
		report.Busy:       100 * cost.Total.Seconds() / processors,
		report.Others:     100 * max(cost.Busy-cost.Total, 0).Seconds() / processors,
		report.PSS:        float64(memory.PSS) / MiB,
		report.RSS:        float64(memory.RSS) / MiB,
	}}}
	// A hypervisor that took a tenth of the time has decided the latencies and part of the costs.
	if stolen := cost.Stolen.Seconds() / processors; stolen > 0.1 {
		out.Faults = append(out.Faults, fmt.Sprintf("the hypervisor took %.0f %% of the server's processors", 100*stolen))
	}
	return out, nil
}

func (s *sample) latencies(p50, p90, p99, p999, worst time.Duration) {
	s.Figures[report.P50] = microseconds(p50)
	s.Figures[report.P90] = microseconds(p90)
	s.Figures[report.P99] = microseconds(p99)
	s.Figures[report.P999] = microseconds(p999)
	s.Figures[report.Worst] = microseconds(worst)
}

func microseconds(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
