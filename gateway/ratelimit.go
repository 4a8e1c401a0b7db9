package gateway

import (
	"math"
	"strconv"
	"time"

	"github.com/anygate/anygate/http1"
	"github.com/anygate/anygate/policy/limiter"
)

// RateLimit bounds the rate of requests of a route. One of Bucket and Table is
// set: the first counts the route as a whole, the second by Scope.
type RateLimit struct {
	Scope  Scope
	Bucket *limiter.Bucket
	Table  *limiter.Table

	policy string // the limit's item of RateLimit-Policy, without the field's name
	item   string // the beginning of its item of RateLimit
}

// Describe gives a limit the name under which responses tell of it, and what
// they say of its policy (draft-ietf-httpapi-ratelimit-headers, section 3): a
// quota, and a window in whole seconds in which a bucket of that size fills.
func (l *RateLimit) Describe(name string, count int64, per time.Duration, burst int64) {
	seconds := math.Ceil(float64(burst) * per.Seconds() / float64(count))
	window := int64(min(max(seconds, 1), math.MaxInt32))
	quota := max(int64(float64(count)*float64(window)/per.Seconds()), 1)
	quoted := strconv.Quote(name) // of a field's name, so that nothing is escaped
	l.policy = quoted + ";q=" + strconv.FormatInt(quota, 10) + ";w=" + strconv.FormatInt(window, 10)
	l.item = quoted + ";r="
}

// quotas is what the response to an exchange says of the limits of its route:
// of the first n.
type quotas struct {
	n     uint8
	left  [maxScopes]uint32
	reset [maxScopes]uint32 // seconds
}

func (q *quotas) add(left int64, reset time.Duration) {
	q.left[q.n] = uint32(min(left, math.MaxUint32))
	q.reset[q.n] = uint32(min(seconds(reset), math.MaxUint32))
	q.n++
}

// seconds rounds up, so that nobody comes back too early.
func seconds(d time.Duration) int64 { return int64((d + time.Second - 1) / time.Second) }

// admitRate takes a token of each limit, or refuses the request (RFC 6585,
// section 4) and takes none.
func (x *Exchange) admitRate(h *http1.Request, limits []RateLimit) bool {
	var keys [maxScopes]uint64
	now, shard := x.g.s.Now(), x.g.id
	for i := range limits {
		l := &limits[i]
		var v limiter.Verdict
		if l.Bucket != nil {
			v = l.Bucket.Take(shard, now)
		} else {
			keys[i] = l.Scope.key(x, h, l.Table.Hash())
			v = l.Table.Take(keys[i], now)
		}
		if v.Allowed {
			x.policy.quota.add(v.Left, v.Reset)
			continue
		}
		for i--; i >= 0; i-- {
			limits[i].putBack(shard, keys[i])
		}
		// Both fields mean the same point in time (section 4.3 of the draft).
		x.policy.quota.add(0, v.Wait)
		x.tooFast(max(seconds(v.Wait), 1))
		return false
	}
	return true
}

func (l *RateLimit) putBack(shard int, key uint64) {
	if l.Bucket != nil {
		l.Bucket.Return(shard)
		return
	}
	l.Table.Return(key)
}

// tooFast refuses a request that exceeds a rate.
func (x *Exchange) tooFast(after int64) {
	x.log.reason = "rate_limited"
	g := x.g
	b := append(g.block[:0], "Retry-After: "...)
	b = strconv.AppendInt(b, after, 10)
	g.block = append(b, "\r\n"...)
	x.answerWith(429, g.block)
}

// appendQuotas appends RateLimit-Policy and RateLimit. A request that was
// refused before it came to the limits is told of the policy only.
func (x *Exchange) appendQuotas(b []byte, limits []RateLimit) []byte {
	b = append(b, "RateLimit-Policy: "...)
	for i := range limits {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = append(b, limits[i].policy...)
	}
	q := &x.policy.quota
	for i := range limits[:q.n] {
		if i == 0 {
			b = append(b, "\r\nRateLimit: "...)
		} else {
			b = append(b, ", "...)
		}
		b = append(b, limits[i].item...)
		b = strconv.AppendUint(b, uint64(q.left[i]), 10)
		b = append(b, ";t="...)
		b = strconv.AppendUint(b, uint64(q.reset[i]), 10)
	}
	return append(b, "\r\n"...)
}
