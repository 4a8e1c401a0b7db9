package chaos

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// fault is what may happen to a member, and how it ends.
type fault struct {
	name       string
	begin, end func(*member) error
}

var faults = []fault{
	{
		"killed",
		func(m *member) error { m.kill(); return nil },
		(*member).start,
	},
	{
		"stopped",
		func(m *member) error { return m.signal(syscall.SIGSTOP) },
		func(m *member) error { return m.signal(syscall.SIGCONT) },
	},
	{
		"slowed a little",
		func(m *member) error { return m.slow(30 * time.Millisecond) },
		func(m *member) error { return m.slow(0) },
	},
	{
		"slowed beyond patience",
		func(m *member) error { return m.slow(5 * time.Second) },
		func(m *member) error { return m.slow(0) },
	},
	{
		"killed and started at once",
		func(m *member) error { m.kill(); return m.start() },
		func(*member) error { return nil },
	},
}

// settle is for how long another member must have worked before one may fail: the product has noticed it by then.
const settle = 500 * time.Millisecond

// spell is a time in which a member does not work; to is zero until it does again.
type spell struct{ from, to time.Time }

// disorder makes members fail, and always leaves one that works.
type disorder struct {
	members []*member
	rand    *rand.Rand
	began   time.Time

	next   int         // the member that fails next, as soon as it may
	works  []time.Time // since when each member does; zero while it does not
	until  []time.Time // when its fault ends
	fault  []int       // which one it is
	counts []int       // of each fault

	mu     sync.Mutex
	spells [][]spell // of each member
	log    []string
}

func newDisorder(members []*member, r *rand.Rand) *disorder {
	now := time.Now()
	d := &disorder{
		members: members, rand: r, began: now, until: make([]time.Time, len(members)), fault: make([]int, len(members)),
		counts: make([]int, len(faults)), spells: make([][]spell, len(members)),
	}
	for range members {
		d.works = append(d.works, now.Add(-settle))
	}
	return d
}

func (d *disorder) note(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.log = append(d.log, fmt.Sprintf("%7.3fs ", time.Since(d.began).Seconds())+fmt.Sprintf(format, args...))
}

// String is what has happened.
func (d *disorder) String() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return strings.Join(d.log, "\n")
}

// step ends faults whose time has come, and maybe begins one.
func (d *disorder) step() error {
	for i, m := range d.members {
		if d.works[i].IsZero() && time.Now().After(d.until[i]) {
			if err := d.mend(i, m); err != nil {
				return err
			}
		}
	}
	i := d.next
	if d.works[i].IsZero() || !d.another(i) {
		return nil
	}
	d.next = d.rand.IntN(len(d.members))
	n := d.rand.IntN(len(faults))
	d.note("member %d is %s", i, faults[n].name)
	d.mu.Lock()
	d.spells[i] = append(d.spells[i], spell{from: time.Now()})
	d.mu.Unlock()
	d.works[i] = time.Time{}
	d.fault[i], d.until[i] = n, time.Now().Add(200*time.Millisecond+upTo(d.rand, 1300*time.Millisecond))
	d.counts[n]++
	if err := faults[n].begin(d.members[i]); err != nil {
		return fmt.Errorf("member %d cannot be %s: %w", i, faults[n].name, err)
	}
	return nil
}

// another reports whether another member than i works, and has for a while.
func (d *disorder) another(i int) bool {
	for j, since := range d.works {
		if j != i && !since.IsZero() && time.Since(since) >= settle {
			return true
		}
	}
	return false
}

func (d *disorder) mend(i int, m *member) error {
	if err := faults[d.fault[i]].end(m); err != nil {
		return fmt.Errorf("member %d stays %s: %w", i, faults[d.fault[i]].name, err)
	}
	d.works[i] = time.Now()
	d.mu.Lock()
	d.spells[i][len(d.spells[i])-1].to = d.works[i]
	d.mu.Unlock()
	d.note("member %d works", i)
	return nil
}

// excuses reports whether every member was down at some moment of that time. A request may have met each of them just
// then, even though one worked at every moment.
func (d *disorder) excuses(from, to time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, spells := range d.spells {
		if !slices.ContainsFunc(spells, func(s spell) bool { return s.from.Before(to) && (s.to.IsZero() || s.to.After(from)) }) {
			return false
		}
	}
	return true
}

// reign is a disorder for a while, at the end of which every member works.
func (d *disorder) reign(t *testing.T, length time.Duration) {
	t.Helper()
	for end := time.Now().Add(length); time.Now().Before(end); {
		if err := d.step(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(upTo(d.rand, 200*time.Millisecond)) // The pace of events, which nothing waits for.
	}
	for i, m := range d.members {
		if d.works[i].IsZero() {
			if err := d.mend(i, m); err != nil {
				t.Fatal(err)
			}
		}
	}
}
