package route

import (
	"strings"
	"testing"
)

// TestEveryNodeHasOneParent is half of the proof that backtracking is bounded. A
// visit enters each child of its node at most once, so where no node has two
// parents, a match makes at most one visit per node.
func TestEveryNodeHasOneParent(t *testing.T) {
	table := routes(t, everyCombination(6)...)
	parents := make([]int, len(table.nodes))
	parents[table.anyHost]++
	for i := range table.nodes {
		n := &table.nodes[i]
		if n.param != 0 {
			parents[n.param]++
		}
		for c := range uint32(n.childCount) {
			parents[n.children+c]++
		}
	}
	for i, n := range parents[1:] {
		if n != 1 {
			t.Errorf("node %d has %d parents", i+1, n)
		}
	}
}

// TestBacktrackingIsBounded is the other half. Each of these tables has places
// to come back to at every segment of the path, and the path fails at its very
// end. Were they multiplied and not added up, the test would never end.
func TestBacktrackingIsBounded(t *testing.T) {
	var deep []string
	for n := range MaxSegments {
		// Parameters at different depths, so that no two routes share a way.
		if n >= MaxParams {
			break
		}
		deep = append(deep, strings.Repeat("/a", n)+"/:p"+strings.Repeat("/a", MaxSegments-n-2)+"/end")
		deep = append(deep, "POST "+strings.Repeat("/a", n)+"/*")
	}
	for _, tt := range []struct {
		name  string
		heads []string
		path  string
		want  Outcome
	}{
		{"every combination of literals and parameters", everyCombination(10), strings.Repeat("/a", 10) + "/miss", NotFound},
		{"one parameter at every depth", deep, strings.Repeat("/a", MaxSegments-1) + "/miss", MethodNotAllowed},
		{"a path far longer than the table is deep", deep, strings.Repeat("/a", 1<<15), MethodNotAllowed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var m Match
			if got := routes(t, tt.heads...).Match([]byte("GET"), nil, []byte(tt.path), &m); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

// everyCombination returns the routes with n segments that are each "a" or a
// parameter, and a last segment of their own.
func everyCombination(n int) []string {
	var heads []string
	for bits := range 1 << n {
		var path strings.Builder
		for i := range n {
			if bits>>i&1 == 0 {
				path.WriteString("/a")
			} else {
				path.WriteString("/:p" + string(rune('a'+i)))
			}
		}
		heads = append(heads, path.String()+"/end")
	}
	return heads
}
