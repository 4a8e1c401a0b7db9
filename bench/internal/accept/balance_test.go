package accept

import (
	"math"
	"testing"
)

func TestJudge(t *testing.T) {
	tests := []struct {
		name      string
		counts    []int
		skew, chi float64
	}{
		{"even", []int{100, 100, 100, 100}, 1, 0},
		{"all in one", []int{0, 400, 0, 0}, 4, 1200},
		{"two, one fuller", []int{110, 90}, 1.1, 2},
		{"none", []int{0, 0}, 0, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := Judge(tt.counts)
			if math.Abs(b.Skew-tt.skew) > 1e-9 || math.Abs(b.ChiSquare-tt.chi) > 1e-9 || b.Freedom != len(tt.counts)-1 {
				t.Errorf("balance %+v, want skew %v, chi square %v", b, tt.skew, tt.chi)
			}
		})
	}
}

func TestChance(t *testing.T) {
	tests := []struct {
		total, shards int
		want          float64
	}{
		{0, 4, 1},
		{1000, 1, 1},
		{4000, 2, 1.0086},
		{4000, 8, 1.0586},
		{64, 8, 1.4581},
	}
	for _, tt := range tests {
		if got := Chance(tt.total, tt.shards); math.Abs(got-tt.want) > 0.002 {
			t.Errorf("%d connections on %d shards: %.4f, want %.4f", tt.total, tt.shards, got, tt.want)
		}
	}
}
