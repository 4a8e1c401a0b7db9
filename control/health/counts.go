package health

import "github.com/anygate/anygate/proxy"

// counts are the sums of what the shards have counted. They only grow, and wrap around like the counters themselves, so
// that differences of two looks are always right.
type counts struct {
	failures, successes uint64
	latencySum          uint64 // microseconds
	latencyN            uint64
}

// sum reads the cells. Each is read by itself while its shard goes on counting: the sum may be ahead in one number and
// behind in another by what happens in the meantime, which the next look puts right.
func sum(cells []proxy.Cell) (c counts) {
	for i := range cells {
		cell := &cells[i]
		c.failures += cell.Failures.Load()
		c.successes += cell.Successes.Load()
		c.latencySum += cell.LatencySum.Load()
		c.latencyN += cell.LatencyN.Load()
	}
	return c
}
