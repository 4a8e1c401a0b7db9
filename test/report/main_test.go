package main

import (
	"strings"
	"testing"
)

func TestReport(t *testing.T) {
	r := &report{output: map[string][]string{}, ran: map[string]map[string]string{}}
	for _, e := range []event{
		{Action: "pass", Package: "p", Test: "TestA/io_uring", Elapsed: 0.25},
		{Action: "pass", Package: "p", Test: "TestA"},
		{Action: "output", Package: "p", Test: "TestB/epoll", Output: "b_test.go:1: no\n"},
		{Action: "fail", Package: "p", Test: "TestB/epoll"},
		{Action: "skip", Package: "p", Test: "TestC"},
		{Action: "pass", Package: "p"},
	} {
		r.take(&e)
	}
	if r.passed != 2 || r.failed != 2 {
		t.Errorf("%d passed and %d failed, of two and two: a skipped test is a failed one", r.passed, r.failed)
	}
	if said := strings.Join(r.faults, ""); said != "FAILED p TestB/epoll\nb_test.go:1: no\nSKIPPED p TestC\n" {
		t.Errorf("said again is %q", said)
	}
	if how := r.ran["p TestA"]["io_uring"]; how != "pass in 250ms" {
		t.Errorf("TestA on io_uring: %q", how)
	}
	if how := r.ran["p TestB"]["epoll"]; how != "fail in 0s" {
		t.Errorf("TestB on epoll: %q", how)
	}
}
