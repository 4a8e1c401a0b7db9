package balance

import (
	"slices"
	"testing"
)

func TestRoundRobinIsSmooth(t *testing.T) {
	tests := []struct {
		name    string
		weights []int
		want    string
	}{
		{"equal", []int{1, 1, 1}, "abcabcabc"},
		{"equal and heavy", []int{7, 7}, "ababab"},
		{"as nginx documents it", []int{5, 1, 1}, "aabacaaaabacaa"},
		{"two to one", []int{2, 1}, "abaaba"},
		{"three, two, one", []int{3, 2, 1}, "abacba"},
		{"nothing and negative count as one", []int{0, -4, 1}, "abcabc"},
		{"one", []int{3}, "aaaa"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			v, p := view(weighted(test.weights...)), picker(0)
			var got []byte
			for range len(test.want) {
				got = append(got, "abc"[pick(t, p, v, Ask{})])
			}
			if string(got) != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

// The property of smoothness: after any number of choices no member is a whole
// turn away from its share.
func TestRoundRobinStaysNearItsShare(t *testing.T) {
	weights := []int{13, 1, 5, 8, 2, 3, 21}
	v, p := view(weighted(weights...)), picker(0)
	sum := 0
	for _, w := range weights {
		sum += w
	}
	got := make([]int, len(weights))
	for n := 1; n <= 5*sum; n++ {
		got[pick(t, p, v, Ask{})]++
		for i, w := range weights {
			if share := float64(n*w) / float64(sum); float64(got[i]) < share-2 || float64(got[i]) > share+2 {
				t.Fatalf("after %d choices member %d of weight %d had %d, its share is %.1f", n, i, w, got[i], share)
			}
		}
	}
	for i, w := range weights {
		if got[i] != 5*w {
			t.Errorf("member %d of weight %d had %d in 5 rounds", i, w, got[i])
		}
	}
}

// Shards that all began with the same member would send it the first request
// of each of them.
func TestRoundRobinBeginsAnywhere(t *testing.T) {
	for _, weights := range [][]int{{1, 1, 1, 1}, {2, 2, 2, 2, 1}} {
		v := view(weighted(weights...))
		first := make([]int, 4)
		for seed := uint64(1); seed <= 4000; seed++ {
			if i := pick(t, picker(seed), v, Ask{}); i < 4 {
				first[i]++
			}
		}
		if slices.Min(first) < 700 {
			t.Errorf("weights %v: the first choices of 4,000 shards are %v", weights, first)
		}
	}
}

func TestRoundRobinGoesOnWhenMembersComeAndGo(t *testing.T) {
	list := weighted(2, 1, 1)
	v, p := view(list), picker(0)
	counts(t, p, v, Ask{}, 3)
	more := append(slices.Clone(list[1:]), Endpoint{Key: "new", Weight: 4})
	v.Use(NewSet(more))
	if got := counts(t, p, v, Ask{}, 600); got[0] < 98 || got[0] > 102 || got[1] < 98 || got[1] > 102 || got[2] < 398 || got[2] > 402 {
		t.Errorf("got %v, want 100, 100 and 400", got)
	}
}
