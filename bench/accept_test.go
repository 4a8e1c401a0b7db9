package main

import (
	"slices"
	"strings"
	"testing"
)

func TestParseAcceptOptions(t *testing.T) {
	o, err := parseAcceptOptions(strings.Fields("--shards 2,16 --engine epoll --rounds 1 --server-cpus 0-1 --load-cpus 2"))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(o.shards, []int{2, 16}) || !slices.Equal(o.engines, []string{"epoll"}) || o.rounds != 1 || o.serverCPUs.String() != "0,1" {
		t.Errorf("options %+v", o)
	}
	for _, arguments := range []string{
		"--shards 1", "--shards 65", "--shards two", "--engine kqueue", "--rounds 0", "--duration 0s", "--server-cpus x", "--load-cpus -", "hash",
	} {
		if _, err := parseAcceptOptions(strings.Fields(arguments)); err == nil {
			t.Errorf("%s was accepted", arguments)
		}
	}
}
