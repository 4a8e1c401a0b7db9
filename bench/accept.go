package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/anygate/anygate/bench/internal/accept"
	"github.com/anygate/anygate/bench/internal/proc"
	"github.com/anygate/anygate/bench/internal/report"
	"github.com/anygate/anygate/bench/internal/stats"
)

// perShard is how many connections each shard would have in the middle of the two loads that keep them: as many as a
// quiet internal service has, and as many as a busy edge.
var perShard = [...]int{8, 500}

// acceptOptions are the flags of the accept command.
type acceptOptions struct {
	shards               []int
	engines              []string
	rounds               int
	duration             time.Duration
	serverCPUs, loadCPUs proc.CPUs
}

func parseAcceptOptions(arguments []string) (*acceptOptions, error) {
	flags := flag.NewFlagSet("bench accept", flag.ContinueOnError)
	shards := flags.String("shards", "2,4,8", "comma-separated `numbers` of shards")
	engines := flags.String("engine", "io_uring,epoll", "comma-separated `names`")
	server := flags.String("server-cpus", "0", "`processors` of the server")
	load := flags.String("load-cpus", "1", "`processors` of the clients")
	o := &acceptOptions{}
	flags.IntVar(&o.rounds, "rounds", 3, "`rounds`")
	flags.DurationVar(&o.duration, "duration", time.Second, "how long connections are opened and closed in each round")
	if err := flags.Parse(arguments); err != nil {
		return nil, err
	}
	if flags.NArg() > 0 {
		return nil, fmt.Errorf("%q is not a flag", flags.Arg(0))
	}
	if o.rounds < 1 || o.duration <= 0 {
		return nil, errors.New("--rounds and --duration must be above 0")
	}
	for number := range strings.SplitSeq(*shards, ",") {
		n, err := strconv.Atoi(number)
		if err != nil || n < 2 || n > 64 {
			return nil, fmt.Errorf("--shards: %q is not a number from 2 to 64", number)
		}
		o.shards = append(o.shards, n)
	}
	o.engines = strings.Split(*engines, ",")
	for _, name := range o.engines {
		if !slices.Contains([]string{"io_uring", "epoll"}, name) {
			return nil, fmt.Errorf("--engine: %q is neither io_uring nor epoll", name)
		}
	}
	var err error
	if o.serverCPUs, err = proc.ParseCPUs(*server); err != nil {
		return nil, fmt.Errorf("--server-cpus: %w", err)
	}
	if o.loadCPUs, err = proc.ParseCPUs(*load); err != nil {
		return nil, fmt.Errorf("--load-cpus: %w", err)
	}
	return o, nil
}

// acceptance is the command that compares the ways of spreading connections over shards.
func acceptance(ctx context.Context, arguments []string) error {
	o, err := parseAcceptOptions(arguments)
	if err != nil {
		return err
	}
	if _, err := proc.RaiseDescriptorLimit(); err != nil {
		return err
	}
	// The clients whose connections stay are this process.
	if err := proc.PinSelf(o.loadCPUs); err != nil {
		return err
	}
	fmt.Println("| engine | shards | mode | load | connections | fullest shard / mean | chance | chi-square (freedom) | CPU µs/connection |")
	fmt.Println("| --- | ---: | --- | --- | ---: | ---: | ---: | ---: | ---: |")
	for _, engine := range o.engines {
		for _, shards := range o.shards {
			for _, each := range append([]int{0}, perShard[:]...) {
				if err := o.compare(ctx, engine, shards, each); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// compare runs all modes under one load, interleaved, and prints their medians. each is the number of connections for
// each shard that are kept, 0 to open and close them all the time.
func (o *acceptOptions) compare(ctx context.Context, engine string, shards, each int) error {
	skews, squares, costs, totals := series{}, series{}, series{}, series{}
	freedom := shards - 1
	for range o.rounds {
		for _, mode := range accept.Modes() {
			outcome, err := o.trial(ctx, accept.Server{Mode: mode, Engine: engine, Shards: shards}, each*shards)
			if err != nil {
				return fmt.Errorf("%s, %d shards, %s: %w", engine, shards, mode, err)
			}
			total := 0
			for _, count := range outcome.Accepted {
				total += count
			}
			balance := accept.Judge(outcome.Accepted)
			skews[mode] = append(skews[mode], balance.Skew)
			squares[mode] = append(squares[mode], balance.ChiSquare)
			totals[mode] = append(totals[mode], float64(total))
			costs[mode] = append(costs[mode], float64(outcome.Cost)/float64(time.Microsecond))
		}
	}
	load := "opened and closed, 64 at a time"
	if each > 0 {
		load = fmt.Sprintf("kept, %d for each shard", each)
	}
	for _, mode := range accept.Modes() {
		total := int(stats.Median(totals[mode]))
		fmt.Printf("| %s | %d | %s | %s | %s | %.2f | %.2f | %s (%d) | %s |\n", engine, shards, mode, load, report.Format(float64(total)),
			stats.Median(skews[mode]), accept.Chance(total, shards), report.Format(stats.Median(squares[mode])), freedom, report.Format(stats.Median(costs[mode])))
	}
	return nil
}

// series are the rounds of one figure by mode.
type series map[accept.Mode][]float64

func (o *acceptOptions) trial(ctx context.Context, server accept.Server, kept int) (accept.Outcome, error) {
	scratch, err := os.MkdirTemp("", "anygate-accept-")
	if err != nil {
		return accept.Outcome{}, err
	}
	defer os.RemoveAll(scratch)
	return accept.Trial{
		Server: server, Kept: kept, Churn: 64, Duration: o.duration,
		ServerCPUs: o.serverCPUs, LoadCPUs: o.loadCPUs, Scratch: scratch,
	}.Run(ctx)
}
