package health

import (
	"fmt"
	"time"

	"github.com/anygate/anygate/proxy"
)

// Passive is when a member is set aside because of the requests it has had. Zero fields take their defaults; Errors and
// Latency have none, and are not looked at if they are 0.
type Passive struct {
	Errors  int           // failures in succession, as seen by one shard
	Latency time.Duration // mean time to the head of a response
	Eject   time.Duration // for how long the first time
	Share   float64       // of the members, from 0 to 1, that may be unavailable for it
}

func (p *Passive) withDefaults() *Passive {
	c := *p
	if c.Eject <= 0 {
		c.Eject = defaultEject
	}
	if c.Share <= 0 {
		c.Share = defaultShare
	}
	return &c
}

// lasts is how long the n-th ejection takes.
func (p *Passive) lasts(n int) time.Duration { return min(p.Eject*time.Duration(n), p.longest()) }

func (p *Passive) longest() time.Duration { return max(longestEjection, p.Eject) }

// mayEject reports whether one more of so many members may be ejected when so many are unavailable already, for
// whatever reason. One of several always may; the only one never, as there is nobody to take its place.
func (p *Passive) mayEject(members, unavailable int) bool {
	return unavailable < min(members-1, max(1, int(p.Share*float64(members))))
}

// ejection is what passive checks know of a member.
//
// The n-th ejection takes n times as long as the first. A member that was well for as long as it was ejected last is
// taken one step back.
type ejection struct {
	ejected bool
	until   int64
	times   int           // ejections that are not forgotten
	length  time.Duration // of the last one
	since   int64         // when it was readmitted, or taken a step back

	// shards is what each had counted when the member was last judged afresh. Failures before that are paid for.
	shards []streak
	window struct {
		began  int64
		counts counts
	}
}

type streak struct{ consecutive, successes uint64 }

func newEjection(cells []proxy.Cell, now int64) ejection {
	e := ejection{shards: make([]streak, len(cells))}
	e.afresh(cells, now)
	return e
}

// afresh makes what was counted until now count no more.
func (e *ejection) afresh(cells []proxy.Cell, now int64) {
	for i := range cells {
		e.shards[i] = streak{cells[i].Consecutive.Load(), cells[i].Successes.Load()}
	}
	e.window.began, e.window.counts = now, sum(cells)
}

// fault says why the member is to be ejected, if it is.
func (e *ejection) fault(p *Passive, cells []proxy.Cell, now int64) (why string, found bool) {
	slow, tooSlow := e.slow(p, cells, now)
	if n := e.consecutive(cells); p.Errors > 0 && n >= uint64(p.Errors) {
		return fmt.Sprintf("%d consecutive errors", n), true
	}
	return slow, tooSlow
}

// consecutive is the most failures in succession that one shard has seen.
func (e *ejection) consecutive(cells []proxy.Cell) (most uint64) {
	for i := range cells {
		n := cells[i].Consecutive.Load()
		s := &e.shards[i]
		// A success, or less than there was, means that a shard has begun to count anew.
		if cells[i].Successes.Load() != s.successes || n < s.consecutive {
			s.consecutive = 0
		}
		most = max(most, n-s.consecutive)
	}
	return most
}

// slow compares the mean latency of the window with the bound, once there is enough to tell.
func (e *ejection) slow(p *Passive, cells []proxy.Cell, now int64) (why string, found bool) {
	if p.Latency <= 0 {
		return "", false
	}
	age := now - e.window.began
	if age < int64(latencyWindow) {
		return "", false
	}
	c := sum(cells)
	n := c.latencyN - e.window.counts.latencyN
	if n < latencyResponses {
		if age >= int64(latencyPatience) {
			e.window.began, e.window.counts = now, c
		}
		return "", false
	}
	mean := time.Duration((c.latencySum-e.window.counts.latencySum)/n) * time.Microsecond
	e.window.began, e.window.counts = now, c
	if mean <= p.Latency {
		return "", false
	}
	return fmt.Sprintf("the mean latency of %d responses is %s", n, mean.Round(time.Millisecond)), true
}

// eject sets the member aside.
func (e *ejection) eject(p *Passive, now int64) {
	// Steps beyond the longest ejection would only have to be taken back one by one.
	if p.lasts(e.times) < p.longest() {
		e.times++
	}
	e.length = p.lasts(e.times)
	e.ejected, e.until = true, now+int64(e.length)
}

// readmit ends an ejection.
func (e *ejection) readmit(cells []proxy.Cell, now int64) {
	e.ejected, e.since = false, now
	e.afresh(cells, now)
}

// forget takes a member that stays well back, step by step.
func (e *ejection) forget(p *Passive, now int64) {
	for !e.ejected && e.times > 0 && now-e.since >= int64(e.length) {
		e.times--
		e.since += int64(e.length)
		e.length = p.lasts(e.times)
	}
}
