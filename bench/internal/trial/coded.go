package trial

import (
	"context"
	"fmt"

	"github.com/anygate/anygate/bench/internal/generate"
	"github.com/anygate/anygate/bench/internal/load"
	"github.com/anygate/anygate/bench/internal/report"
)

// acceptGzip is the field that asks for a coded form.
const acceptGzip = "Accept-Encoding: gzip"

// AskCoded is the request for the gzip form of a file; a length of -1 is for a form whose size is the server's affair.
func AskCoded(path string, length int64) Ask {
	return Ask{Path: path, Request: generate.Request{
		Head: generate.Head("GET", path, acceptGzip), Status: 200, Length: length, Coded: true,
	}}
}

// Coded measures the coded form of a file under wrk, and a plain file of that form's size beside it, on the same server.
// Which of them is first changes with the round.
func (s *Server) Coded(ctx context.Context, wrk load.Wrk) (report.Sample, error) {
	path, err := s.Bench.plain(s.content)
	if err != nil {
		return report.Sample{}, err
	}
	trial := *s.Trial
	trial.Ask = Ask{Path: path, Request: generate.Request{Head: generate.Head("GET", path), Status: 200, Length: s.content}}
	if trial.Profile != "" {
		trial.Profile += "-plain"
	}
	beside := *s
	beside.Trial = &trial
	if _, err := generate.Exchange(beside.address, trial.Ask.Request, nil); err != nil {
		return report.Sample{}, fmt.Errorf("the plain file beside it: %w", err)
	}
	var coded, plain report.Sample
	asking := wrk
	asking.Fields = append([]string{acceptGzip}, wrk.Fields...)
	measures := []func() error{
		func() (err error) { coded, err = s.Wrk(ctx, asking); return err },
		func() (err error) { plain, err = beside.Wrk(ctx, wrk); return err },
	}
	for i := range measures {
		if err := measures[(i+s.Round)%len(measures)](); err != nil {
			return report.Sample{}, err
		}
	}
	coded.Failures = coded.Failures.Add(plain.Failures)
	coded.Faults = append(coded.Faults, plain.Faults...)
	if coded.Disturbance == "" {
		coded.Disturbance = plain.Disturbance
	}
	// A server that falls back to the file as it is would be cheap.
	requests := coded.Figures[report.Throughput]
	if each := coded.Figures[report.Bandwidth] * MiB / requests; each > float64(s.content)+2*KiB {
		coded.Faults = append(coded.Faults, fmt.Sprintf("answers of %.0f bytes on average, the coded form has %d", each, s.content))
	}
	coded.Figures[report.PlainCPU] = plain.Figures[report.CPU]
	coded.Figures[report.OfPlain] = coded.Figures[report.CPU] / plain.Figures[report.CPU]
	return coded, nil
}
