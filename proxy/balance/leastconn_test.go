package balance

import (
	"math/rand/v2"
	"testing"
)

func TestLeastConn(t *testing.T) {
	tests := []struct {
		name    string
		weights []int
		active  []int
		want    int
	}{
		{"the fewest", []int{1, 1, 1}, []int{2, 1, 3}, 1},
		{"the first of equals", []int{1, 1, 1}, []int{2, 1, 1}, 1},
		{"fewest for its weight", []int{1, 4, 1}, []int{1, 3, 1}, 1},
		{"and not fewest as such", []int{1, 4, 1}, []int{2, 7, 2}, 1},
		{"an idle one", []int{100, 1, 100}, []int{1, 0, 1}, 1},
		{"none has any: by weight", []int{1, 4, 1}, []int{0, 0, 0}, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			v, p := view(weighted(test.weights...)), picker(0)
			for i, n := range test.active {
				for range n {
					v.Began(v.Slot(i))
				}
			}
			if got := pick(t, p, v, Ask{Policy: LeastConn}); got != test.want {
				t.Errorf("got %d, want %d", got, test.want)
			}
		})
	}
}

// An upstream with nothing to do is used as round robin would.
func TestLeastConnIdle(t *testing.T) {
	v, p := view(weighted(5, 1, 1)), picker(3)
	got := counts(t, p, v, Ask{Policy: LeastConn}, 700)
	if got[0] != 500 || got[1] != 100 || got[2] != 100 {
		t.Errorf("got %v, want 500, 100 and 100", got)
	}
}

// Under load requests under way are in proportion to the weights, whatever
// they take.
func TestLeastConnLevels(t *testing.T) {
	v, p := view(weighted(4, 2, 1, 1)), picker(9)
	random := rand.New(rand.NewPCG(1, 2))
	var under []Slot
	for range 20_000 {
		i := pick(t, p, v, Ask{Policy: LeastConn})
		v.Began(v.Slot(i))
		under = append(under, v.Slot(i))
		if len(under) > 80 {
			k := random.IntN(len(under))
			v.Ended(under[k])
			under[k] = under[len(under)-1]
			under = under[:len(under)-1]
		}
	}
	for i, want := range []int{40, 20, 10, 10} {
		if got := v.Active(v.Slot(i)); got < want-4 || got > want+4 {
			t.Errorf("member %d has %d requests under way, want about %d", i, got, want)
		}
	}
}
