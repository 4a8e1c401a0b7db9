package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/anygate/anygate/bench/internal/accept"
	"github.com/anygate/anygate/bench/internal/generate"
	"github.com/anygate/anygate/bench/internal/report"
	"github.com/anygate/anygate/bench/peers"
	"github.com/anygate/anygate/bench/scenarios"
)

const usage = `Compares AnyGate with its peers on this machine.

  go run ./bench [FLAGS]                runs scenarios, writes a report to bench/out
  go run ./bench list                   names scenarios and peers
  go run ./bench compare A.json B.json  what changed between two reports, beyond noise
  go run ./bench guard [--record]       fails if AnyGate lost ground to the reference since the last record
  go run ./bench accept [FLAGS]         compares the ways of spreading connections over shards
  go run ./bench install                builds Caddy into the bench's cache

Flags of a run:
`

func main() {
	// The generator's process is started for every measurement and must do nothing else first.
	if len(os.Args) == 2 && os.Args[1] == generate.Command {
		exit(generate.Main(os.Stdin, os.Stdout))
	}
	if len(os.Args) == 3 && os.Args[1] == accept.Command {
		exit(accept.Main(os.Args[2], os.Stdout))
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := command(ctx, os.Args[1:])
	stop()
	exit(err)
}

func exit(err error) {
	switch {
	case err == nil:
		os.Exit(0)
	case errors.Is(err, flag.ErrHelp):
		os.Exit(2)
	default:
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func command(ctx context.Context, arguments []string) error {
	name := "run"
	if len(arguments) > 0 && arguments[0] != "" && arguments[0][0] != '-' {
		name, arguments = arguments[0], arguments[1:]
	}
	switch name {
	case "run":
		return run(ctx, arguments)
	case "list":
		return list()
	case "compare":
		return compare(arguments)
	case "guard":
		return guard(ctx, arguments)
	case "accept":
		return acceptance(ctx, arguments)
	case "install":
		shop, err := workshop()
		if err != nil {
			return err
		}
		return peers.Install(ctx, shop)
	default:
		return fmt.Errorf("there is no command %q; try: list, compare, guard, accept, install, or flags", name)
	}
}

func list() error {
	fmt.Println("Scenarios:")
	for _, scenario := range scenarios.All() {
		fmt.Printf("  %-24s %s\n", scenario.Name, scenario.Title)
	}
	fmt.Println("Peers:")
	for _, peer := range peers.Default() {
		fmt.Printf("  %-24s %s\n", peer.Name, peer.About)
	}
	return nil
}

func compare(arguments []string) error {
	if len(arguments) != 2 {
		return errors.New("compare takes two reports: compare A.json B.json")
	}
	before, err := report.ReadJSON(arguments[0])
	if err != nil {
		return err
	}
	after, err := report.ReadJSON(arguments[1])
	if err != nil {
		return err
	}
	changes := report.Changes(before, after)
	if len(changes) == 0 {
		return errors.New("the reports have no scenario and peer in common")
	}
	return report.WriteChanges(os.Stdout, changes)
}

// workshop finds the repository around the working directory and makes the directory for built programs.
func workshop() (peers.Workshop, error) {
	folder, err := os.Getwd()
	if err != nil {
		return peers.Workshop{}, err
	}
	for {
		if _, err := os.Stat(filepath.Join(folder, "bench", "floor", "floor.c")); err == nil {
			break
		}
		parent := filepath.Dir(folder)
		if parent == folder {
			return peers.Workshop{}, errors.New("run it inside AnyGate's repository: it builds what it compares")
		}
		folder = parent
	}
	shop := peers.Workshop{Module: folder, Bin: filepath.Join(folder, "bench", "out", "bin")}
	return shop, os.MkdirAll(shop.Bin, 0o755)
}
