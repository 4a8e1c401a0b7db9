package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/anygate/anygate/bench/internal/report"
	"github.com/anygate/anygate/bench/peers"
	"github.com/anygate/anygate/bench/scenarios"
)

func TestParseOptions(t *testing.T) {
	o, err := parseOptions([]string{
		"--scenario", "proxy-2b,fixed-64", "--peer", "floor,anygate,old-epoll", "--anygate", "old=/tmp/old",
		"--rounds", "3", "--duration", "2s", "--server-cpus", "0-1", "--load-cpus", "2,3",
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := scenarios.Names(o.scenarios); !slices.Equal(got, []string{"fixed-64", "proxy-2b"}) {
		t.Errorf("scenarios %v, not in their usual order", got)
	}
	if got := peers.Names(o.peers); !slices.Equal(got, []string{"anygate-io_uring", "anygate-epoll", "floor", "old-epoll"}) {
		t.Errorf("peers %v", got)
	}
	if !o.required || o.rounds != 3 || o.serverCPUs.String() != "0,1" || o.reference != "nginx" {
		t.Errorf("options %+v", o)
	}
	all, err := parseOptions(nil)
	if err != nil || len(all.scenarios) != len(scenarios.All()) || len(all.peers) != len(peers.Default()) || all.required {
		t.Errorf("without flags: %+v, %v", all, err)
	}
}

func TestParseOptionsRefuses(t *testing.T) {
	tests := []struct {
		name      string
		arguments string
		says      string
	}{
		{"unknown scenario", "--scenario nothing", "fixed-64"},
		{"unknown peer", "--peer nobody", "nginx"},
		{"an unknown reference", "--reference ngnix", "--reference: there is no peer \"ngnix\""},
		{"shared processor", "--server-cpus 0,1 --load-cpus 1", "processor 1"},
		{"no rounds", "--rounds 0", "--rounds"},
		{"half a second", "--duration 500ms", "whole seconds"},
		{"a build without a name", "--anygate /tmp/old", "LABEL=PROGRAM"},
		{"a stray word", "fixed-64", "fixed-64"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if _, err := parseOptions(strings.Fields(test.arguments)); err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("error %v, want one that mentions %q", err, test.says)
			}
		})
	}
}

func TestLeast(t *testing.T) {
	if got := least(map[string]float64{"a": 30, "b": 20, report.Floor: 10}); got != 20 {
		t.Errorf("least = %v, want that of the slowest server, the floor is none", got)
	}
	if got := least(map[string]float64{report.Floor: 10}); got != 10 {
		t.Errorf("least = %v, want the floor's if there is nothing else", got)
	}
	if got := least(nil); got != 0 {
		t.Errorf("least of nothing = %v", got)
	}
}

func TestUnknownCommand(t *testing.T) {
	if err := command(t.Context(), []string{"frobnicate"}); err == nil || !strings.Contains(err.Error(), "compare") {
		t.Errorf("error %v does not name the commands", err)
	}
}
