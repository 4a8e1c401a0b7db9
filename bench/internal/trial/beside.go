package trial

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/anygate/anygate/bench/internal/load"
	"github.com/anygate/anygate/bench/internal/report"
)

// scrapeEvery is how often metrics are asked for while a server is measured: more often than anybody does.
const scrapeEvery = time.Second

// Beside measures the peer with what Ask wants of it beyond serving, and another process of the same peer without. Which
// of them is first changes with the round.
func (t *Trial) Beside(ctx context.Context, wrk load.Wrk) (report.Sample, error) {
	bare := *t
	bare.Ask.Observed, bare.Ask.Limited = false, false
	if bare.Profile != "" {
		bare.Profile += "-without"
	}
	var with, without report.Sample
	measures := []func() error{
		func() (err error) { with, err = t.observe(ctx, wrk); return err },
		func() (err error) { without, err = bare.observe(ctx, wrk); return err },
	}
	for i := range measures {
		if err := measures[(i+t.Round)%len(measures)](); err != nil {
			return report.Sample{}, err
		}
	}
	with.Failures = with.Failures.Add(without.Failures)
	with.Faults = append(with.Faults, without.Faults...)
	if with.Disturbance == "" {
		with.Disturbance = without.Disturbance
	}
	with.Figures[report.WithoutCPU] = without.Figures[report.CPU]
	with.Figures[report.OfWithout] = with.Figures[report.CPU] / without.Figures[report.CPU]
	return with, nil
}

// observe measures a server, and asks it for metrics meanwhile if it has any. What it has logged has to be there at the
// end.
func (t *Trial) observe(ctx context.Context, wrk load.Wrk) (report.Sample, error) {
	server, err := t.Start(ctx)
	if err != nil {
		return report.Sample{}, err
	}
	defer server.Stop()
	if server.metrics == "" {
		return server.Wrk(ctx, wrk)
	}
	scraping, stop := context.WithCancel(ctx)
	defer stop()
	scraped := make(chan error, 1)
	go func() { scraped <- scrape(scraping, "http://"+server.metrics+"/metrics") }()
	sample, err := server.Wrk(ctx, wrk)
	stop()
	if fault := <-scraped; fault != nil {
		sample.Faults = append(sample.Faults, "metrics: "+fault.Error())
	}
	if err != nil {
		return report.Sample{}, err
	}
	return sample, server.checkLog(&sample)
}

// scrape asks for metrics until the context ends.
func scrape(ctx context.Context, url string) error {
	ticker := time.NewTicker(scrapeEvery)
	defer ticker.Stop()
	for n := 0; ; n++ {
		if err := scrapeOnce(ctx, url); err != nil && ctx.Err() == nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

func scrapeOnce(ctx context.Context, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if n, err := io.Copy(io.Discard, response.Body); err != nil || response.StatusCode != http.StatusOK || n == 0 {
		return errors.Join(fmt.Errorf("%s, %d bytes", response.Status, n), err)
	}
	return nil
}

// leastLine is shorter than any line of a log that says what a request was.
const leastLine = 100

// checkLog wants a line for each request, and removes the log, which is large.
func (s *Server) checkLog(sample *report.Sample) error {
	info, err := os.Stat(s.log)
	if err != nil {
		return err
	}
	requests := sample.Figures[report.Throughput] * s.Bench.Duration.Seconds()
	if float64(info.Size()) < requests*leastLine {
		sample.Faults = append(sample.Faults, fmt.Sprintf("a log of %d bytes for %.0f requests", info.Size(), requests))
	}
	return os.Remove(s.log)
}
