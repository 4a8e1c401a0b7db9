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
	wrk.Duration, wrk.Scratch, wrk.TLS = s.Bench.Duration, folder, s.Ask.Secure != nil
	var result load.Result
	cost, err := s.during(ctx, func() error {
		result, err = wrk.Run(ctx)
		return err
	})
	if err != nil {
		return report.Sample{}, err
	}
	return s.closedLoop(cost, result, int64(wrk.Body))
}

// H2load measures the server under h2load. Address, path, processors and duration are filled in.
func (s *Server) H2load(ctx context.Context, h2load load.H2load) (report.Sample, error) {
	if err := s.warm(ctx, h2load.Connections); err != nil {
		return report.Sample{}, err
	}
	h2load.Address, h2load.Path, h2load.CPUs, h2load.Duration = s.address, s.Ask.Path, s.Bench.LoadCPUs, s.Bench.Duration
	h2load.TLS, h2load.H2 = s.Ask.Secure != nil, s.Ask.H2 || s.Ask.H2C
	if s.Ask.H2C {
		h2load.Address = s.h2c
	}
	var result load.Result
	cost, err := s.during(ctx, func() (err error) {
		result, err = h2load.Run(ctx)
		return err
	})
	if err != nil {
		return report.Sample{}, err
	}
	return s.closedLoop(cost, result, 0)
}

// closedLoop makes a sample of what wrk or h2load has counted; sent is the content of each request, in bytes.
func (s *Server) closedLoop(cost proc.Cost, result load.Result, sent int64) (report.Sample, error) {
	sample, err := s.sample(cost, result.Requests, result.Bytes+result.Requests*sent, result.Elapsed)
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
	plan.Address, plan.Duration, plan.Seed, plan.Secure = s.address, s.Bench.Duration, uint64(s.Round), s.Ask.Secure
	var result generate.Result
	cost, err := s.during(ctx, func() (err error) {
		result, err = generate.InProcess(ctx, s.Bench.LoadCPUs, plan)
		return err
	})
	if err != nil {
		return report.Sample{}, err
	}
	return s.generated(result, cost, plan.Rate)
}

// generated makes a sample of a run of the generator. A rate of 0 was a closed loop.
func (s *Server) generated(result generate.Result, cost proc.Cost, rate float64) (report.Sample, error) {
	sample, err := s.sample(cost, result.Requests, result.Bytes, result.Elapsed)
	if err != nil {
		return report.Sample{}, err
	}
	sample.latencies(result.P50, result.P90, result.P99, result.P999, result.Max)
	sample.Failures = result.Failures
	if result.Ended > 0 {
		sample.Faults = append(sample.Faults, fmt.Sprintf("the server ended %d connections that were to be kept", result.Ended))
	}
	if rate > 0 {
		sample.Figures[report.Offered] = rate
		sample.Figures[report.Late] = microseconds(result.Late)
		if result.Late > maxLate && result.Late > result.P99/4 {
			sample.Disturbance = fmt.Sprintf("the generator itself was %v late", result.Late.Round(time.Microsecond))
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
		Secure: s.Ask.Secure,
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
	reaped, err := proc.ReapedTime()
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
	cost := after.Sub(before)
	if s.Bench.Together {
		// The load was invited; what is busy beyond both sides is a disturbance here as elsewhere.
		invited, err := proc.ReapedTime()
		if err != nil {
			return proc.Cost{}, err
		}
		cost.Busy -= invited - reaped
	}
	return cost, nil
}

// Shares of its processors' time that the server may lose before a round counts as disturbed.
const (
	maxStolen = 0.05
	maxOthers = 0.25
)

// disturbance says what else had the server's processors.
func (s *Server) disturbance(cost proc.Cost, processors float64) string {
	if stolen := cost.Stolen.Seconds() / processors; stolen > maxStolen {
		return fmt.Sprintf("the hypervisor took %.0f %% of the server's processors", 100*stolen)
	}
	if others := (cost.Busy - cost.Total).Seconds() / processors; others > maxOthers {
		return fmt.Sprintf("%.0f %% of the server's processors went elsewhere", 100*others)
	}
	return ""
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
	out.Disturbance = s.disturbance(cost, processors)
	return out, nil
}

// latencies enters what is known: a generator that lost count of a percentile says 0.
func (s *sample) latencies(p50, p90, p99, p999, worst time.Duration) {
	for metric, latency := range map[report.Metric]time.Duration{
		report.P50: p50, report.P90: p90, report.P99: p99, report.P999: p999, report.Worst: worst,
	} {
		if latency > 0 {
			s.Figures[metric] = microseconds(latency)
		}
	}
}

func microseconds(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
