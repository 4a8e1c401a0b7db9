package balance

import (
	"fmt"
	"testing"
)

const second = int64(1e9)

// members are n members of weight 1.
func members(n int) []Endpoint {
	list := make([]Endpoint, n)
	for i := range list {
		list[i] = Endpoint{Key: fmt.Sprintf("10.0.%d.%d:8080", i/256, i%256), Weight: 1}
	}
	return list
}

// weighted are members with these weights.
func weighted(weights ...int) []Endpoint {
	list := members(len(weights))
	for i, w := range weights {
		list[i].Weight = w
	}
	return list
}

// view is a view of these members.
func view(list []Endpoint) *View {
	v := &View{}
	v.Use(NewSet(list))
	return v
}

// picker is one with that seed.
func picker(seed uint64) *Picker {
	p := &Picker{}
	p.Seed(seed)
	return p
}

// pick is a choice that must come to something.
func pick(t testing.TB, p *Picker, v *View, ask Ask) int {
	t.Helper()
	i := p.Pick(v, &ask)
	if i < 0 || i >= v.Set().Len() {
		t.Fatalf("got %d of %d members", i, v.Set().Len())
	}
	return i
}

// counts are how often each member is chosen in so many choices that end at
// once.
func counts(t testing.TB, p *Picker, v *View, ask Ask, choices int) []int {
	t.Helper()
	got := make([]int, v.Set().Len())
	for range choices {
		got[pick(t, p, v, ask)]++
	}
	return got
}

// chiSquare is how far counts are from what shares lead one to expect.
func chiSquare(got []int, shares []float64) float64 {
	total, sum := 0, 0.0
	for i := range got {
		total += got[i]
		sum += shares[i]
	}
	x := 0.0
	for i := range got {
		expected := float64(total) * shares[i] / sum
		x += (float64(got[i]) - expected) * (float64(got[i]) - expected) / expected
	}
	return x
}

// critical is the value of chi-square that chance exceeds once in 1,000 times,
// by degrees of freedom.
var critical = map[int]float64{1: 10.83, 2: 13.82, 3: 16.27, 4: 18.47, 5: 20.52, 7: 24.32, 9: 27.88}

// wantShares fails if counts are not what chance makes of the shares.
func wantShares(t *testing.T, got []int, shares ...float64) {
	t.Helper()
	limit, known := critical[len(shares)-1]
	if !known {
		t.Fatalf("no critical value for %d members", len(shares))
	}
	if x := chiSquare(got, shares); x > limit {
		t.Errorf("got %v, which is not as %v: chi-square %.1f, more than %.1f", got, shares, x, limit)
	}
}
