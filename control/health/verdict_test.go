package health

import "testing"

func TestVerdict(t *testing.T) {
	for _, c := range []struct {
		name       string
		rise, fall int
		checks     string // p passed, f failed
		states     string // after each: u up, d down
	}{
		{"up until proven otherwise", 2, 3, "ppp", "uuu"},
		{"three failures", 2, 3, "fff", "uud"},
		{"a pass begins the count anew", 2, 3, "ffpfff", "uuuuud"},
		{"two passes", 2, 3, "fffpp", "uuddu"},
		{"a failure begins the count anew", 2, 3, "fffpfpp", "uuddddu"},
		{"failures while down change nothing", 2, 3, "ffffffpp", "uudddddu"},
		{"one of each", 1, 1, "fpfp", "dudu"},
		{"down, up, and down again only after three", 2, 3, "fffppfff", "uudduuud"},
		{"one to rise", 1, 2, "ffpffp", "uduudu"},
	} {
		t.Run(c.name, func(t *testing.T) {
			check := &Check{Rise: c.rise, Fall: c.fall}
			var v verdict
			got := ""
			for i, outcome := range c.checks {
				was := v.down
				changed := v.observe(outcome == 'p', check)
				if changed != (was != v.down) {
					t.Errorf("check %d: changed is %v, down was %v and is %v", i+1, changed, was, v.down)
				}
				got += map[bool]string{false: "u", true: "d"}[v.down]
			}
			if got != c.states {
				t.Errorf("%s leads to %s, want %s", c.checks, got, c.states)
			}
		})
	}
}
