package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/anygate/anygate/bench/internal/proc"
	"github.com/anygate/anygate/bench/peers"
	"github.com/anygate/anygate/bench/scenarios"
)

// options are the flags of a run, resolved.
type options struct {
	scenarios  []*scenarios.Scenario
	peers      []*peers.Peer
	rounds     int
	duration   time.Duration
	serverCPUs proc.CPUs
	loadCPUs   proc.CPUs
	reference  string
	out        string
	profile    bool
	// required makes a missing peer an error: the user has named it.
	required bool
}

// settings are what the flags are read into.
type settings struct {
	scenario, peer, builds string
	serverCPUs, loadCPUs   string
	options
}

func (s *settings) register(flags *flag.FlagSet) {
	flags.StringVar(&s.scenario, "scenario", "", "comma-separated `names`, all if empty")
	flags.StringVar(&s.peer, "peer", "", "comma-separated `names`, all that are installed if empty; \"anygate\" stands for both engines")
	flags.StringVar(&s.builds, "anygate", "", "further builds of AnyGate to compare, comma-separated `LABEL=PROGRAM`")
	flags.IntVar(&s.rounds, "rounds", 5, "`rounds`, each of which runs every peer once")
	flags.DurationVar(&s.duration, "duration", 5*time.Second, "how long each measurement takes, in whole seconds")
	flags.StringVar(&s.serverCPUs, "server-cpus", "0", "`processors` of the server")
	flags.StringVar(&s.loadCPUs, "load-cpus", "1", "`processors` of the load generator and the upstream")
	flags.StringVar(&s.reference, "reference", "nginx", "the `peer` that ratios are taken to")
	flags.StringVar(&s.out, "out", "", "`directory` of the report (default bench/out and the time)")
	flags.BoolVar(&s.profile, "profile", false, "one more round under perf, whose figures do not count")
}

func parseOptions(arguments []string) (*options, error) {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.Usage = func() {
		fmt.Fprint(os.Stderr, usage)
		flags.PrintDefaults()
	}
	var s settings
	s.register(flags)
	if err := flags.Parse(arguments); err != nil {
		return nil, err
	}
	if flags.NArg() > 0 {
		return nil, fmt.Errorf("%q is not a flag", flags.Arg(0))
	}
	return s.resolve()
}

// resolve checks the flags and looks up what they name.
func (s *settings) resolve() (*options, error) {
	o := s.options
	var err error
	if o.rounds < 1 {
		return nil, errors.New("--rounds must be at least 1")
	}
	if o.duration < time.Second || o.duration%time.Second != 0 {
		return nil, fmt.Errorf("--duration is counted in whole seconds, as wrk does; %v is not", o.duration)
	}
	if o.serverCPUs, err = proc.ParseCPUs(s.serverCPUs); err != nil {
		return nil, fmt.Errorf("--server-cpus: %w", err)
	}
	if o.loadCPUs, err = proc.ParseCPUs(s.loadCPUs); err != nil {
		return nil, fmt.Errorf("--load-cpus: %w", err)
	}
	for _, cpu := range o.serverCPUs {
		if slices.Contains(o.loadCPUs, cpu) {
			return nil, fmt.Errorf("processor %d is given to both the server and its load", cpu)
		}
	}
	if o.scenarios, err = pick("scenario", s.scenario, scenarios.All(), scenarios.Names); err != nil {
		return nil, err
	}
	known := peers.Default()
	for build := range strings.SplitSeq(s.builds, ",") {
		if build == "" {
			continue
		}
		label, program, found := strings.Cut(build, "=")
		if !found || label == "" || program == "" {
			return nil, fmt.Errorf("--anygate takes LABEL=PROGRAM, not %q", build)
		}
		known = append(known, peers.AnyGate(label, program)...)
	}
	// A name that nobody has would be found out after the run, in a report without ratios.
	if _, err = pick("peer", s.reference, known, peers.Names); err != nil {
		return nil, fmt.Errorf("--reference: %w", err)
	}
	o.required = s.peer != ""
	names := expand(s.peer, known)
	if o.peers, err = pick("peer", names, known, peers.Names); err != nil {
		return nil, err
	}
	return &o, nil
}

// expand replaces the label of an AnyGate build by its two peers.
func expand(names string, known []*peers.Peer) string {
	if names == "" {
		return ""
	}
	var all []string
	for name := range strings.SplitSeq(names, ",") {
		both := []string{name + "-io_uring", name + "-epoll"}
		if slices.Contains(peers.Names(known), both[0]) {
			all = append(all, both...)
		} else {
			all = append(all, name)
		}
	}
	return strings.Join(all, ",")
}

// pick selects by name, in the order of the whole list.
func pick[T any](what, wanted string, all []T, namesOf func([]T) []string) ([]T, error) {
	if wanted == "" {
		return all, nil
	}
	names := namesOf(all)
	chosen := strings.Split(wanted, ",")
	for _, name := range chosen {
		if !slices.Contains(names, name) {
			return nil, fmt.Errorf("there is no %s %q; there are %s", what, name, strings.Join(names, ", "))
		}
	}
	var picked []T
	for i, item := range all {
		if slices.Contains(chosen, names[i]) {
			picked = append(picked, item)
		}
	}
	return picked, nil
}
