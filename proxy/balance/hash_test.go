package balance

import (
	"fmt"
	"math"
	"slices"
	"testing"
)

func TestSum(t *testing.T) {
	// The values are of the reference implementation of XXH64.
	tests := []struct {
		key  string
		want uint64
	}{
		{"", 0xef46db3751d8e999},
		{"a", 0xd24ec4f1a98c6e5b},
		{"abc", 0x44bc2cf5ad770999},
		{"as", 0x1c330fb2d66be179},
		{"asd", 0x631c37ce72a97393},
		{"asdf", 0x415872f599cea71e},
		{"Call me Ishmael. Some years ago--never mind how long precisely-", 0x02a2e85470d6fd96},
	}
	for _, test := range tests {
		if got := Sum(test.key); got != test.want {
			t.Errorf("%q: got %#x, want %#x", test.key, got, test.want)
		}
		if got := Sum([]byte(test.key)); got != test.want {
			t.Errorf("%q as bytes: got %#x, want %#x", test.key, got, test.want)
		}
	}
}

// owners are the members that keys belong to.
func owners(t *testing.T, list []Endpoint, keys int) []string {
	t.Helper()
	v, p := view(list), picker(0)
	got := make([]string, keys)
	for k := range got {
		got[k] = list[pick(t, p, v, Ask{Policy: Hash, Key: Sum(fmt.Sprintf("key-%d", k))})].Key
	}
	return got
}

func TestHashMovesFew(t *testing.T) {
	const keys = 20_000
	for _, n := range []int{3, 10, 50} {
		list := members(n + 1)
		fewer, more := owners(t, list[:n], keys), owners(t, list, keys)
		moved := 0
		for k := range fewer {
			if fewer[k] == more[k] {
				continue
			}
			moved++
			if more[k] != list[n].Key {
				t.Fatalf("%d members: a key went from %s to %s when %s came", n, fewer[k], more[k], list[n].Key)
			}
		}
		if limit := 1.2 * keys / float64(n+1); float64(moved) > limit || moved == 0 {
			t.Errorf("%d members: %d of %d keys moved when one came, more than %.0f", n, moved, keys, limit)
		}
	}
}

// All that matters is who the members are, not their order, nor what became of
// others before.
func TestHashKnowsNoOrder(t *testing.T) {
	list := members(7)
	turned := slices.Clone(list)
	slices.Reverse(turned)
	if !slices.Equal(owners(t, list, 5000), owners(t, turned, 5000)) {
		t.Error("the order of the members makes a difference")
	}
}

func TestHashShares(t *testing.T) {
	for _, test := range []struct {
		name    string
		weights []int
	}{
		{"equal", []int{1, 1, 1, 1, 1}},
		{"weighted", []int{1, 2, 4}},
		{"one far heavier", []int{1, 50}},
	} {
		t.Run(test.name, func(t *testing.T) {
			const keys = 50_000
			list := weighted(test.weights...)
			got := make(map[string]int)
			for _, key := range owners(t, list, keys) {
				got[key]++
			}
			sum, heaviest := 0, slices.Max(test.weights)
			for _, w := range test.weights {
				sum += w
			}
			for i, w := range test.weights {
				// Four times the spread that this number of points has.
				points := float64(max(1, ringPoints*w/heaviest))
				share, spread := float64(keys*w)/float64(sum), 4/math.Sqrt(points)
				if n := float64(got[list[i].Key]); n < share*(1-spread) || n > share*(1+spread) {
					t.Errorf("member %d of weight %d has %.0f keys, want %.0f give or take %.0f %%", i, w, n, share, 100*spread)
				}
			}
		})
	}
}

// A member that is down gives its keys away, evenly; the others keep theirs;
// and it gets them back.
func TestHashPassesOverTheDown(t *testing.T) {
	v, p := view(members(5)), picker(0)
	const keys = 10_000
	where := func() []int {
		got := make([]int, keys)
		for k := range got {
			got[k] = pick(t, p, v, Ask{Policy: Hash, Key: uint64(k)})
		}
		return got
	}
	before := where()
	v.SetUp(2, false)
	during := where()
	heirs := make([]int, 5)
	for k := range before {
		switch {
		case during[k] == 2:
			t.Fatal("a member that is down was chosen")
		case before[k] == 2:
			heirs[during[k]]++
		case before[k] != during[k]:
			t.Fatalf("a key of member %d went to %d although only 2 is down", before[k], during[k])
		}
	}
	for i, n := range heirs {
		if i != 2 && n < 200 {
			t.Errorf("member %d inherits %d keys of %v", i, n, heirs)
		}
	}
	v.SetUp(2, true)
	if !slices.Equal(before, where()) {
		t.Error("the keys are not back where they were")
	}
}

// The bound: whatever the keys are, no member has more than 1.25 times the
// average for its weight, rounded up, unless it has hardly anything to do.
func TestHashIsBounded(t *testing.T) {
	for _, weights := range [][]int{{1, 1, 1, 1, 1}, {4, 2, 1}, {1, 1, 1, 10}} {
		v, p := view(weighted(weights...)), picker(0)
		sum := 0
		for _, w := range weights {
			sum += w
		}
		for active := 1; active <= 2000; active++ {
			// One key for all is the worst there is.
			i := pick(t, p, v, Ask{Policy: Hash, Key: 42})
			v.Began(v.Slot(i))
			limit := math.Ceil(1.25 * float64(active) * float64(weights[i]) / float64(sum))
			if got := v.Active(v.Slot(i)); float64(got) > max(limit, boundFrom) {
				t.Fatalf("weights %v: member %d has %d of %d requests, more than %.0f", weights, i, got, active, limit)
			}
		}
	}
}

func TestHashStaysBelowTheBound(t *testing.T) {
	v, p := view(members(3)), picker(0)
	home := pick(t, p, v, Ask{Policy: Hash, Key: 7})
	for range boundFrom {
		if got := pick(t, p, v, Ask{Policy: Hash, Key: 7}); got != home {
			t.Fatalf("got %d, want %d", got, home)
		}
		v.Began(v.Slot(home))
	}
	next := pick(t, p, v, Ask{Policy: Hash, Key: 7})
	if next == home {
		t.Fatalf("member %d has all %d requests and gets another", home, boundFrom)
	}
	for range 10 {
		if got := pick(t, p, v, Ask{Policy: Hash, Key: 7}); got != next {
			t.Errorf("got %d and then %d: the next member is not always the same", next, got)
		}
	}
	v.Ended(v.Slot(home))
	if got := pick(t, p, v, Ask{Policy: Hash, Key: 7}); got != home {
		t.Errorf("got %d, want %d, which has room again", got, home)
	}
}

// Two paths of one server have its key, and are both used.
func TestHashWithARepeatedKey(t *testing.T) {
	list := members(2)
	list[1].Key = list[0].Key
	v, p := view(list), picker(0)
	got := make([]int, 2)
	for k := range uint64(2000) {
		got[pick(t, p, v, Ask{Policy: Hash, Key: k})]++
	}
	if slices.Min(got) < 600 {
		t.Errorf("got %v", got)
	}
}
