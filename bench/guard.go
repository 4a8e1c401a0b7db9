package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/anygate/anygate/bench/internal/report"
	"github.com/anygate/anygate/bench/peers"
)

const (
	// guardScenarios are those whose cost is one figure that settles within seconds.
	guardScenarios = "fixed-64,fixed-1024,pipelined,static-1k,static-64k,proxy-2b,proxy-64k,connection-per-request"
	guardPeers     = "anygate,nginx"
	// guardTolerance is the loss that is never reported: two runs of one program differ by as much.
	guardTolerance = 0.08
	baselineFile   = "baseline.json"
)

// guard is the command that defends the recorded ratios.
func guard(ctx context.Context, arguments []string) error {
	flags := flag.NewFlagSet("bench guard", flag.ContinueOnError)
	record := flags.Bool("record", false, "record this run as the state to defend")
	rounds := flags.Int("rounds", 5, "`rounds`")
	from := flags.String("from", "", "record the report in this `file` instead of a new run")
	file := flags.String("baseline", "", "the record, a `file` (default bench/"+baselineFile+")")
	duration := flags.Duration("duration", 2*time.Second, "how long each measurement takes")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	shop, err := workshop()
	if err != nil {
		return err
	}
	path := *file
	if path == "" {
		path = filepath.Join(shop.Module, "bench", baselineFile)
	}
	var baseline *report.Baseline
	if !*record {
		if baseline, err = report.ReadBaseline(path); err != nil {
			return err
		}
	}
	var r *report.Report
	if *from != "" {
		if !*record {
			return errors.New("--from is for --record: the guard judges what it has measured itself")
		}
		if r, err = report.ReadJSON(*from); err == nil {
			r = r.Only(strings.Split(guardScenarios, ","), "anygate-")
		}
	} else {
		r, err = guardRun(ctx, shop, guardScenarios, *rounds, *duration)
	}
	if err != nil {
		return err
	}
	if *record {
		if baseline, err = report.NewBaseline(r); err != nil {
			return err
		}
		fmt.Printf("\nRecorded %d ratios in %s\n", len(baseline.Ratios), path)
		return baseline.Write(path)
	}
	return judge(ctx, shop, baseline, r, *rounds, *duration)
}

// judge fails if ratios are worse than recorded, and are so again in a second, longer run: a neighbour's burst of work
// must not be taken for a regression.
func judge(ctx context.Context, shop peers.Workshop, baseline *report.Baseline, r *report.Report, rounds int, duration time.Duration) error {
	breaches := baseline.Check(r, guardTolerance)
	if len(breaches) == 0 {
		fmt.Println("\nNo ratio is worse than recorded.")
		return nil
	}
	fmt.Fprintln(os.Stderr, "\nWorse than recorded, measured again:")
	for _, breach := range breaches {
		fmt.Fprintln(os.Stderr, " ", breach)
	}
	again, err := guardRun(ctx, shop, strings.Join(report.Scenarios(breaches), ","), rounds+2, 2*duration)
	if err != nil {
		return err
	}
	suspects := *baseline
	suspects.Ratios = nil
	for _, breach := range breaches {
		suspects.Ratios = append(suspects.Ratios, breach.Guarded)
	}
	confirmed := suspects.Check(again, guardTolerance)
	if len(confirmed) == 0 {
		fmt.Println("\nThe second run does not confirm it: no ratio is worse than recorded.")
		return nil
	}
	lines := make([]string, len(confirmed))
	for i, breach := range confirmed {
		lines[i] = "  " + breach.String()
	}
	return errors.New("AnyGate has lost ground:\n" + strings.Join(lines, "\n"))
}

func guardRun(ctx context.Context, shop peers.Workshop, names string, rounds int, duration time.Duration) (*report.Report, error) {
	o, err := parseOptions([]string{
		"--scenario", names, "--peer", guardPeers,
		"--rounds", fmt.Sprint(rounds), "--duration", duration.String(),
	})
	if err != nil {
		return nil, err
	}
	return measure(ctx, o, shop)
}
