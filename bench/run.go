package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/anygate/anygate/bench/internal/load"
	"github.com/anygate/anygate/bench/internal/proc"
	"github.com/anygate/anygate/bench/internal/report"
	"github.com/anygate/anygate/bench/internal/trial"
	"github.com/anygate/anygate/bench/peers"
	"github.com/anygate/anygate/bench/scenarios"
)

// contender is a peer whose program has been found.
type contender struct {
	*peers.Peer
	program string
}

// run is the command that makes a report.
func run(ctx context.Context, arguments []string) error {
	o, err := parseOptions(arguments)
	if err != nil {
		return err
	}
	shop, err := workshop()
	if err != nil {
		return err
	}
	if o.out == "" {
		o.out = filepath.Join(shop.Module, "bench", "out", time.Now().UTC().Format("20060102-150405"))
	}
	if err := os.MkdirAll(o.out, 0o755); err != nil {
		return err
	}
	r, err := measure(ctx, o, shop)
	if r != nil {
		// An interrupted run keeps what it has.
		err = errors.Join(err, write(r, o.out))
		fmt.Printf("\nReport: %s\n", filepath.Join(o.out, "report.html"))
	}
	return err
}

// measure makes all trials of a run. The report it returns beside an error holds what was finished before.
func measure(ctx context.Context, o *options, shop peers.Workshop) (*report.Report, error) {
	if _, err := load.FindWrk(); err != nil {
		return nil, err
	}
	allowed, err := proc.Allowed()
	if err != nil {
		return nil, err
	}
	for _, cpu := range slices.Concat(o.serverCPUs, o.loadCPUs) {
		if !slices.Contains(allowed, cpu) {
			return nil, fmt.Errorf("processor %d is not among those this process may use (%s); see --server-cpus and --load-cpus", cpu, allowed)
		}
	}
	descriptors, err := proc.RaiseDescriptorLimit()
	if err != nil {
		return nil, err
	}
	r := report.New(environment(ctx, shop.Module, allowed), report.Settings{
		Rounds:     o.rounds,
		Duration:   o.duration,
		ServerCPUs: o.serverCPUs.String(),
		LoadCPUs:   o.loadCPUs.String(),
		Reference:  o.reference,
	})
	contenders, err := find(ctx, o, shop, r)
	if err != nil {
		return nil, err
	}
	bench := &trial.Bench{
		ServerCPUs:  o.serverCPUs,
		LoadCPUs:    o.loadCPUs,
		Duration:    o.duration,
		Descriptors: descriptors,
	}
	if o.profile {
		if _, err := trial.FindPerf(); err != nil {
			return nil, err
		}
		if bench.Profiles, err = filepath.Abs(filepath.Join(o.out, "profiles")); err != nil {
			return nil, err
		}
		if err := os.MkdirAll(bench.Profiles, 0o755); err != nil {
			return nil, err
		}
	}
	// From here on this process is part of the load. Builds, which may use every processor, are done.
	if err := proc.PinSelf(o.loadCPUs); err != nil {
		return nil, err
	}
	// A second run of the same process builds again. Failing to widen the mask harms nobody else.
	defer func() { _ = proc.PinSelf(allowed) }()
	if err := bench.Open(); err != nil {
		return nil, err
	}
	defer bench.Close()
	for _, scenario := range o.scenarios {
		result, err := runScenario(ctx, o, bench, scenario, contenders)
		r.Scenarios = append(r.Scenarios, result)
		r.Environment.Finished, r.Environment.LoadAfter = time.Now(), loadAverage()
		if err != nil {
			return r, err
		}
		fmt.Println()
		if err := result.Table(os.Stdout, o.reference); err != nil {
			return r, err
		}
	}
	return r, nil
}

// find locates or builds the programs of all peers and enters them in the report. One that was named must be there.
func find(ctx context.Context, o *options, shop peers.Workshop, r *report.Report) ([]contender, error) {
	var contenders []contender
	for _, peer := range o.peers {
		entry := report.Peer{Name: peer.Name, About: peer.About}
		program, err := peer.Find(ctx, shop)
		if err != nil && o.required {
			return nil, fmt.Errorf("%s: %w", peer.Name, err)
		}
		if err != nil {
			entry.Missing = err.Error()
			fmt.Fprintf(os.Stderr, "without %s: %v\n", peer.Name, err)
		} else {
			entry.Version = peer.Version(ctx, program)
			contenders = append(contenders, contender{peer, program})
		}
		r.Peers = append(r.Peers, entry)
	}
	if len(contenders) == 0 {
		return nil, errors.New("no peer can take part")
	}
	return contenders, nil
}

// runScenario makes all rounds of one scenario, interleaved: every peer once, then every peer again. Each round begins
// with another peer, so that none always follows the same neighbour.
func runScenario(ctx context.Context, o *options, bench *trial.Bench, scenario *scenarios.Scenario, contenders []contender) (*report.Scenario, error) {
	result := &report.Scenario{
		Name: scenario.Name, Title: scenario.Title, About: scenario.About, Lead: scenario.Lead, Columns: scenario.Columns,
	}
	able := slices.DeleteFunc(slices.Clone(contenders), func(c contender) bool { return !c.Can(scenario.Needs) })
	if len(able) == 0 {
		result.Skipped = "no peer can do what it asks for"
		return result, nil
	}
	if scenario.Needs&peers.Proxy != 0 {
		if err := bench.StartUpstream(ctx); err != nil {
			result.Skipped = err.Error()
			return result, ctx.Err()
		}
	}
	var capacities map[string]float64
	if scenario.Calibrate {
		var err error
		if capacities, err = calibrate(ctx, bench, scenario, able, result); err != nil {
			return result, err
		}
	}
	rounds := o.rounds
	if o.profile {
		rounds++
	}
	for round := range rounds {
		profiling := round == o.rounds
		for i := range able {
			c := able[(i+round)%len(able)]
			if _, calibrated := capacities[c.Name]; scenario.Calibrate && !calibrated {
				continue // Its calibration failed, and says so in the table.
			}
			t := &trial.Trial{Bench: bench, Peer: c.Peer, Program: c.program, Ask: scenario.Ask, Round: round}
			t.Capacity, t.Least = capacities[c.Name], least(capacities)
			if profiling {
				t.Profile = scenario.Name + "-" + c.Name
			}
			sample, err := scenario.Run(ctx, t)
			if ctx.Err() != nil {
				result.Summarise(o.reference)
				return result, ctx.Err()
			}
			progress(scenario, c.Name, round, profiling, sample, err)
			switch {
			case err != nil:
				result.Fault(c.Name, round, err)
			case !profiling:
				result.Add(c.Name, sample)
			}
		}
	}
	sortEntries(result, able)
	result.Summarise(o.reference)
	return result, nil
}

// calibrate finds out at which rate each server would use its processors up.
func calibrate(ctx context.Context, bench *trial.Bench, scenario *scenarios.Scenario, able []contender, result *report.Scenario) (map[string]float64, error) {
	capacities := make(map[string]float64)
	for _, c := range able {
		capacity, err := capacity(ctx, &trial.Trial{Bench: bench, Peer: c.Peer, Program: c.program, Ask: scenario.Ask})
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			result.Fault(c.Name, 0, fmt.Errorf("calibration: %w", err))
			continue
		}
		capacities[c.Name] = capacity
	}
	return capacities, nil
}

// capacity measures requests per second of the server's own processor time, times its processors: what the throughput
// would be if the generator were never the limit.
func capacity(ctx context.Context, t *trial.Trial) (float64, error) {
	server, err := t.Start(ctx)
	if err != nil {
		return 0, err
	}
	defer server.Stop()
	sample, err := server.Wrk(ctx, load.Wrk{Connections: 64})
	if err != nil {
		return 0, err
	}
	return 1e6 / sample.Figures[report.CPU] * float64(len(t.Bench.ServerCPUs)), nil
}

// least is the smallest capacity of a server; the floor is none.
func least(capacities map[string]float64) float64 {
	smallest := 0.0
	for name, capacity := range capacities {
		if name != report.Floor && (smallest == 0 || capacity < smallest) {
			smallest = capacity
		}
	}
	if smallest == 0 {
		return capacities[report.Floor]
	}
	return smallest
}

// sortEntries puts the rows into the order of the peers.
func sortEntries(result *report.Scenario, able []contender) {
	slices.SortFunc(result.Entries, func(a, b *report.Entry) int {
		place := func(entry *report.Entry) int {
			return slices.IndexFunc(able, func(c contender) bool { return c.Name == entry.Peer })
		}
		return place(a) - place(b)
	})
}

// progress tells whoever waits what has just been found.
func progress(scenario *scenarios.Scenario, peer string, round int, profiling bool, sample report.Sample, err error) {
	turn := fmt.Sprintf("round %d", round+1)
	if profiling {
		turn = "profile"
	}
	text := fmt.Sprintf("%s %s", report.Format(sample.Figures[scenario.Lead]), scenario.Lead.Kind().Title)
	switch {
	case err != nil:
		text = err.Error()
	case sample.Failures.Sum() > 0 || len(sample.Faults) > 0:
		text += " ⚠ " + strings.Join(append(sample.Faults, "failures: "+sample.Failures.String()), "; ")
	case sample.Disturbance != "":
		text += " (" + sample.Disturbance + ")"
	}
	fmt.Fprintf(os.Stderr, "%-22s %-8s %-18s %s\n", scenario.Name, turn, peer, text)
}
