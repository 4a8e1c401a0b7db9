package stats

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestSummarise(t *testing.T) {
	tests := []struct {
		name   string
		rounds []float64
		want   Summary
	}{
		{"none", nil, Summary{}},
		{"one", []float64{3}, Summary{Median: 3, Low: 3, High: 3, Rounds: 1}},
		{"two", []float64{4, 2}, Summary{Median: 3, Low: 2, High: 4, Spread: 1.0 / 6, Rounds: 2}},
		{"one round disturbed", []float64{10, 10, 10, 10, 90}, Summary{Median: 10, Low: 10, High: 90, Rounds: 5}},
		{"five", []float64{5, 1, 3, 2, 4}, Summary{Median: 3, Low: 1, High: 5, Spread: 1.0 / 3, Rounds: 5}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			before := slices.Clone(test.rounds)
			if got := Summarise(test.rounds); math.Abs(got.Spread-test.want.Spread) > 1e-12 ||
				got.Median != test.want.Median || got.Low != test.want.Low || got.High != test.want.High || got.Rounds != test.want.Rounds {
				t.Errorf("Summarise(%v) = %+v, want %+v", test.rounds, got, test.want)
			}
			if !slices.Equal(before, test.rounds) {
				t.Error("the caller's slice was reordered")
			}
		})
	}
}

func TestCompare(t *testing.T) {
	// The machine was half as fast in round 1: the figures differ by 2, their ratio does not.
	ratio, ok := Compare(map[int]float64{0: 5, 1: 10, 2: 5, 7: 1}, map[int]float64{0: 10, 1: 20, 2: 10, 9: 1})
	if !ok || ratio.OfMedians != 0.5 || ratio.Low != 0.5 || ratio.High != 0.5 || ratio.Spread != 0 {
		t.Errorf("Compare = %+v, %v; want 0.5 without spread", ratio, ok)
	}
	if _, ok := Compare(map[int]float64{0: 1}, map[int]float64{1: 1}); ok {
		t.Error("figures that share no round were compared")
	}
	if _, ok := Compare(map[int]float64{0: 1}, map[int]float64{0: 0}); ok {
		t.Error("a figure was divided by 0")
	}
}

func TestHistogramAgreesWithSorting(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var h Histogram
	values := make([]time.Duration, 20000)
	for i := range values {
		values[i] = time.Duration(math.Exp(random.Float64() * 23)) // 1 ns to 10 s, evenly over the magnitudes.
		h.Record(values[i])
	}
	slices.Sort(values)
	for _, q := range []float64{0, 0.5, 0.9, 0.99, 0.999, 1} {
		exact := values[min(int(q*float64(len(values))), len(values)-1)]
		got := h.Quantile(q)
		if got < exact || float64(got) > float64(exact)*1.01 {
			t.Errorf("Quantile(%v) = %v, sorting gives %v", q, got, exact)
		}
	}
	if h.Max() != values[len(values)-1] || h.Count() != uint64(len(values)) {
		t.Errorf("Max %v, Count %d", h.Max(), h.Count())
	}
}

func TestHistogramSlotsCoverEveryValueOnce(t *testing.T) {
	for s := range rows * parts {
		upper := upperBound(s)
		if slot(upper) != s {
			t.Fatalf("the upper bound %d of slot %d falls into slot %d", upper, s, slot(upper))
		}
		if upper != math.MaxUint64 && slot(upper+1) != s+1 {
			t.Fatalf("%d falls into slot %d, not %d", upper+1, slot(upper+1), s+1)
		}
		if upper == math.MaxUint64 {
			return
		}
	}
}

func TestHistogramRecordAllocatesNothing(t *testing.T) {
	h := new(Histogram)
	if n := testing.AllocsPerRun(100, func() { h.Record(123456) }); n != 0 {
		t.Errorf("%v allocations per value", n)
	}
	h.Record(-5)
	if h.Quantile(0) != 0 {
		t.Error("a negative duration is not counted as 0")
	}
}
