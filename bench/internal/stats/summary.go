package stats

import (
	"math"
	"slices"
)

// Summary describes the rounds of one figure.
type Summary struct {
	Median float64 `json:"median"`
	Low    float64 `json:"low"`
	High   float64 `json:"high"`
	// Spread is half the distance between the quartiles, divided by the median: the typical error of one round. It is
	// what a claim has to exceed, and it is not thrown off by a single disturbed round.
	Spread float64 `json:"spread"`
	Rounds int     `json:"rounds"`
}

// Summarise reduces rounds. Of no rounds it returns the zero Summary.
func Summarise(rounds []float64) Summary {
	if len(rounds) == 0 {
		return Summary{}
	}
	sorted := slices.Clone(rounds)
	slices.Sort(sorted)
	s := Summary{
		Median: quantile(sorted, 0.5),
		Low:    sorted[0],
		High:   sorted[len(sorted)-1],
		Rounds: len(sorted),
	}
	if s.Median != 0 {
		s.Spread = (quantile(sorted, 0.75) - quantile(sorted, 0.25)) / 2 / math.Abs(s.Median)
	}
	return s
}

// Median returns the middle of rounds, 0 of none.
func Median(rounds []float64) float64 { return Summarise(rounds).Median }

// quantile interpolates linearly between the two nearest ranks of a sorted slice.
func quantile(sorted []float64, q float64) float64 {
	position := q * float64(len(sorted)-1)
	below := int(position)
	if below+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	fraction := position - float64(below)
	return sorted[below]*(1-fraction) + sorted[below+1]*fraction
}

// Ratio compares a figure of one server with that of another in the same run.
type Ratio struct {
	// OfMedians is the claim.
	OfMedians float64 `json:"of_medians"`
	// Low and High bound the ratios of the single rounds: the two servers of one round ran within seconds of each other,
	// so what disturbs both alike cancels out.
	Low  float64 `json:"low"`
	High float64 `json:"high"`
	// Spread is the typical relative error of one round's ratio.
	Spread float64 `json:"spread"`
}

// Compare divides the figures of a by those of base, round by round. It reports false when they share no round.
func Compare(a, base map[int]float64) (Ratio, bool) {
	var rounds, ofA, ofBase []float64
	for round, value := range a {
		baseValue, both := base[round]
		if !both || baseValue == 0 {
			continue
		}
		rounds = append(rounds, value/baseValue)
		ofA = append(ofA, value)
		ofBase = append(ofBase, baseValue)
	}
	if len(rounds) == 0 {
		return Ratio{}, false
	}
	s := Summarise(rounds)
	return Ratio{OfMedians: Median(ofA) / Median(ofBase), Low: s.Low, High: s.High, Spread: s.Spread}, true
}
