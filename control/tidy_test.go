package control

import "testing"

func TestTidier(t *testing.T) {
	var tidy tidier
	for _, step := range []struct {
		name              string
		allocated, cycles uint64
		want              bool
	}{
		{"start", 4 << 20, 1, false},
		{"nothing new", 4 << 20, 1, false},
		{"a burst", 40 << 20, 1, false},
		{"goes on", 60 << 20, 1, false},
		{"is over", 60<<20 + 1000, 1, true},
		{"was collected", 60<<20 + 2000, 2, false},
		{"a little", 61 << 20, 2, false},
		{"too little", 61 << 20, 2, false},
		{"in small pieces", 69<<20 - 1, 2, false},
		{"which add up", 69 << 20, 2, true},
		{"a burst that the runtime has collected", 200 << 20, 5, false},
		{"and nothing behind it", 200 << 20, 5, false},
	} {
		if got := tidy.due(step.allocated, step.cycles); got != step.want {
			t.Errorf("%s: %t", step.name, got)
		}
	}
}
