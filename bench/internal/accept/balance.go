package accept

import "math"

// Balance describes how evenly connections are spread.
type Balance struct {
	// Skew is what the fullest shard has, divided by the mean.
	Skew float64
	// ChiSquare is Pearson's statistic against an even spread, which is expected to be Freedom if each connection goes to
	// a shard at random: far above it the spread is worse than chance, far below it better.
	ChiSquare float64
	// Freedom is the number of shards less one.
	Freedom int
}

// Judge computes the balance of counts.
func Judge(counts []int) Balance {
	total, most := 0, 0
	for _, count := range counts {
		total += count
		most = max(most, count)
	}
	b := Balance{Freedom: len(counts) - 1}
	if total == 0 {
		return b
	}
	mean := float64(total) / float64(len(counts))
	b.Skew = float64(most) / mean
	for _, count := range counts {
		b.ChiSquare += (float64(count) - mean) * (float64(count) - mean) / mean
	}
	return b
}

// Chance is the skew that sending each of total connections to one of shards at random has in the middle of all cases:
// the largest of several almost normal variables.
func Chance(total, shards int) float64 {
	if total == 0 || shards < 2 {
		return 1
	}
	mean := float64(total) / float64(shards)
	deviation := math.Sqrt(mean * (1 - 1/float64(shards)))
	return 1 + deviation*expectedMaximum(shards)/mean
}

// expectedMaximum is the median of the largest of n standard normal variables: the argument at which the n-th power of
// the distribution function is one half.
func expectedMaximum(n int) float64 {
	return math.Sqrt2 * math.Erfinv(2*math.Pow(0.5, 1/float64(n))-1)
}
