package balance

import (
	"slices"
	"testing"
)

var policies = []Policy{RoundRobin, LeastConn, P2C, Hash}

// chosen are the members that some choices come to, without repetition.
func chosen(v *View, ask Ask) []int {
	var got []int
	p := picker(1)
	for k := range uint64(500) {
		ask.Key = mix(k)
		if i := p.Pick(v, &ask); !slices.Contains(got, i) {
			got = append(got, i)
		}
	}
	slices.Sort(got)
	return got
}

// Who is chosen from, by what is known of the members: u is up, d is down, p
// is passed over, x is down and passed over; capitals are backups.
func TestWhoIsChosen(t *testing.T) {
	tests := []struct {
		name    string
		members string
		panic   float64
		tried   []int
		any     bool
		want    []int
	}{
		{"all are up", "uuu", 0, nil, false, []int{0, 1, 2}},
		{"one is down", "udu", 0, nil, false, []int{0, 2}},
		{"one is passed over", "upu", 0, nil, false, []int{0, 2}},
		{"backups wait", "uuU", 0, nil, false, []int{0, 1}},
		{"for one that is up", "duU", 0, nil, false, []int{1}},
		{"and stand in", "ddU", 0, nil, false, []int{2}},
		{"for ones passed over as well", "ppU", 0, nil, false, []int{2}},
		{"all passed over: tried all the same", "pp", 0, nil, false, []int{0, 1}},
		{"before backups passed over", "ppP", 0, nil, false, []int{0, 1}},
		{"which come last", "ddP", 0, nil, false, []int{2}},
		{"nothing is up", "ddD", 0, nil, false, []int{-1}},
		{"nothing is up, any will do", "ddD", 0, nil, true, []int{0, 1, 2}},
		{"any, but not those passed over", "dxD", 0, nil, true, []int{0, 2}},
		{"unless there are no others", "xxX", 0, nil, true, []int{0, 1, 2}},
		{"any means nothing while one is up", "dux", 0, nil, true, []int{1}},
		{"nobody at all", "", 0, nil, true, []int{-1}},

		{"tried ones are left out", "uuu", 0, []int{1}, false, []int{0, 2}},
		{"then backups", "uuU", 0, []int{0, 1}, false, []int{2}},
		{"then those passed over", "upU", 0, []int{0, 2}, false, []int{1}},
		{"then none", "uu", 0, []int{0, 1}, false, []int{-1}},
		{"down ones are no way out", "ud", 0, []int{0}, false, []int{-1}},
		{"unless asked for", "ud", 0, []int{0}, true, []int{1}},
		{"and tried once only", "ud", 0, []int{0, 1}, true, []int{-1}},

		{"enough are up", "uudd", 0.5, nil, false, []int{0, 1}},
		{"too few", "uddd", 0.5, nil, false, []int{0, 1, 2, 3}},
		{"none", "dddd", 0.5, nil, false, []int{0, 1, 2, 3}},
		{"backups are used too", "udddU", 0.5, nil, false, []int{0, 1, 2, 3, 4}},
		{"but first instead", "ddddU", 0.5, nil, false, []int{4}},
		{"too few backups", "ddUDDD", 0.5, nil, false, []int{0, 1, 2, 3, 4, 5}},
		{"passed over is no health", "uppp", 0.5, nil, false, []int{0}},
		{"panic does not use those passed over", "uddx", 0.5, nil, false, []int{0, 1, 2}},
		{"unless there are no others", "pxxx", 0.5, nil, false, []int{0, 1, 2, 3}},
		{"panic leaves out tried ones", "uddd", 0.5, []int{0, 1}, false, []int{2, 3}},
		{"panic at any loss", "uuud", 1, nil, false, []int{0, 1, 2, 3}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			list := members(len(test.members))
			for i, c := range test.members {
				list[i].Backup = c < 'a'
			}
			v := view(list)
			v.SetPanic(test.panic)
			for i, c := range test.members {
				switch c | 0x20 {
				case 'd':
					v.SetUp(i, false)
				case 'p':
					v.PassOver(v.Slot(i), second, 0)
				case 'x':
					v.SetUp(i, false)
					v.PassOver(v.Slot(i), second, 0)
				}
			}
			ask := Ask{Any: test.any}
			for _, i := range test.tried {
				ask.Tried = append(ask.Tried, v.Slot(i))
			}
			for _, ask.Policy = range policies {
				if got := chosen(v, ask); !slices.Equal(got, test.want) {
					t.Errorf("%v chooses from %v, want %v", ask.Policy, got, test.want)
				}
			}
		})
	}
}

func TestGroups(t *testing.T) {
	list := members(5)
	for i, group := range []int32{7, 8, 7, 8, 7} {
		list[i].Group = group
	}
	list[4].Backup = true
	v := view(list)
	if got := chosen(v, Ask{Grouped: true, Group: 7}); !slices.Equal(got, []int{0, 2}) {
		t.Errorf("got %v, want the members of the group", got)
	}
	if got := chosen(v, Ask{Grouped: true, Group: 7, Tried: []Slot{v.Slot(0), v.Slot(2)}}); !slices.Equal(got, []int{4}) {
		t.Errorf("got %v, want the group's backup", got)
	}
	if got := chosen(v, Ask{Grouped: true, Group: 9}); !slices.Equal(got, []int{-1}) {
		t.Errorf("got %v, want none", got)
	}
	if got := chosen(v, Ask{}); !slices.Equal(got, []int{0, 1, 2, 3}) {
		t.Errorf("got %v, want all that are not backups", got)
	}
}

func TestPassOverEnds(t *testing.T) {
	v := view(members(3))
	v.PassOver(v.Slot(0), 5*second, 0)
	v.PassOver(v.Slot(1), 3*second, 0)
	for _, test := range []struct {
		now  int64
		want []int
	}{
		{0, []int{2}},
		{3*second - 1, []int{2}},
		{3 * second, []int{1, 2}},
		{5*second - 1, []int{1, 2}},
		{5 * second, []int{0, 1, 2}},
	} {
		if got := chosen(v, Ask{Now: test.now}); !slices.Equal(got, test.want) {
			t.Errorf("at %d: got %v, want %v", test.now, got, test.want)
		}
	}
	v.PassOver(v.Slot(0), 60*second, 6*second)
	v.PassOver(v.Slot(0), 0, 7*second)
	if got := chosen(v, Ask{Now: 7 * second}); !slices.Equal(got, []int{0, 1, 2}) {
		t.Errorf("taken back: got %v, want all", got)
	}
}

func TestSlowStart(t *testing.T) {
	const choices = 40_000
	for _, test := range []struct {
		name  string
		now   int64
		share float64
	}{
		{"at first", 100 * second, 1.0 / 16},
		{"after a fifth", 106 * second, 1.0/16 + 15.0/16/5},
		{"half way", 115 * second, 0.5 + 1.0/32},
		{"at the end", 130 * second, 1},
		{"long after", 1000 * second, 1},
		{"before it began", 99 * second, 1.0 / 16},
	} {
		t.Run(test.name, func(t *testing.T) {
			v := view(weighted(2, 1, 1))
			v.Ramp(v.Slot(2), 100*second, 30*second, 99*second)
			for _, policy := range []Policy{RoundRobin, LeastConn, P2C} {
				got := counts(t, picker(4), v, Ask{Policy: policy, Now: test.now}, choices)
				wantShares(t, got, 2, 1, test.share)
			}
		})
	}
}

func TestSlowStartOfEqualMembers(t *testing.T) {
	v := view(members(2))
	v.Ramp(v.Slot(0), 0, 10*second, 0)
	for _, policy := range []Policy{RoundRobin, LeastConn, P2C} {
		wantShares(t, counts(t, picker(4), v, Ask{Policy: policy, Now: 0}, 20_000), 1.0/16, 1)
	}
	v.Ramp(v.Slot(0), 0, 0, second)
	got := counts(t, picker(0), v, Ask{Now: second}, 1000)
	if got[0] != 500 {
		t.Errorf("got %v after slow start was taken back", got)
	}
}

// Least connections with slow start: the requests under way are in proportion.
func TestSlowStartUnderLoad(t *testing.T) {
	v, p := view(members(3)), picker(2)
	v.Ramp(v.Slot(1), 0, 10*second, 0)
	for range 330 {
		v.Began(v.Slot(pick(t, p, v, Ask{Policy: LeastConn})))
	}
	if got := v.Active(v.Slot(1)); got < 9 || got > 11 {
		t.Errorf("the member in slow start has %d of 330 requests, want 10", got)
	}
}

func TestUseKeepsWhatStays(t *testing.T) {
	list := members(4)
	v := view(list)
	slots := []Slot{v.Slot(0), v.Slot(1), v.Slot(2), v.Slot(3)}
	v.SetUp(1, false)
	v.PassOver(slots[2], 9*second, 0)
	v.Observe(slots[3], 5e6, true, 0)
	v.Began(slots[0])
	v.Began(slots[3])

	// Another order, without the first, with a new one.
	v.Use(NewSet([]Endpoint{list[3], list[2], {Key: "new", Weight: 1}, list[1]}))
	if v.Slot(0) != slots[3] || v.Slot(1) != slots[2] || v.Slot(3) != slots[1] {
		t.Error("members that stay have other slots")
	}
	if slices.Contains(slots, v.Slot(2)) {
		t.Error("the new member has a slot that another still uses")
	}
	if got := v.Latency(v.Slot(0), 0); got != 5e6 {
		t.Errorf("the latency is %d, want 5 ms", got)
	}
	if got := chosen(v, Ask{Now: second}); !slices.Equal(got, []int{0, 2}) {
		t.Errorf("got %v, want those that are neither down nor passed over", got)
	}
	if v.Up() != 3 {
		t.Errorf("%d are up, want 3", v.Up())
	}
	if v.active != 1 {
		t.Errorf("%d requests are under way with members of the set, want 1", v.active)
	}

	// The last request of the member that is gone frees its slot.
	v.Ended(slots[0])
	v.Use(NewSet(append(members(4), Endpoint{Key: "newer"})))
	for i := range 5 {
		if v.Active(v.Slot(i)) != map[int]int{3: 1}[i] {
			t.Errorf("member %d has %d requests under way", i, v.Active(v.Slot(i)))
		}
	}
	if len(v.slots) > 6 {
		t.Errorf("%d slots for 5 members", len(v.slots))
	}
}

// Names come and go for months: what is kept must not grow.
func TestUseIsBounded(t *testing.T) {
	v, p := view(nil), picker(1)
	var under []Slot
	for round := range 1000 {
		list := weighted(1, 2, 3)
		for i := range list {
			list[i].Key += string(rune('a'+round%26)) + string(rune('a'+round/26))
		}
		v.Use(NewSet(list))
		n := v.Slot(pick(t, p, v, Ask{}))
		v.Began(n)
		if under = append(under, n); len(under) > 10 {
			v.Ended(under[0])
			under = under[1:]
		}
	}
	if len(v.byName) != 3 || len(v.slots) > 11+6 {
		t.Errorf("%d names and %d slots are kept", len(v.byName), len(v.slots))
	}
}

func TestUseOfTheSameSet(t *testing.T) {
	s := NewSet(members(3))
	v := &View{}
	v.Use(s)
	if n := testing.AllocsPerRun(100, func() { v.Use(s) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if v.Set() != s || s.Len() != 3 || s.At(2).Key != "10.0.0.2:8080" {
		t.Error("the set is not the one that was given")
	}
}

func TestZeroView(t *testing.T) {
	v, p := &View{}, &Picker{}
	for _, policy := range policies {
		if got := p.Pick(v, &Ask{Policy: policy, Any: true}); got != -1 {
			t.Errorf("%v: got %d of no members", policy, got)
		}
	}
}

func TestEndedTooOften(t *testing.T) {
	v := view(members(1))
	defer func() {
		if recover() == nil {
			t.Error("a request that never began has ended, and nobody noticed")
		}
	}()
	v.Ended(v.Slot(0))
}

func TestPolicyNames(t *testing.T) {
	for policy, want := range map[Policy]string{RoundRobin: "round-robin", LeastConn: "least-conn", P2C: "p2c", Hash: "hash", 99: "unknown"} {
		if policy.String() != want {
			t.Errorf("got %s, want %s", policy, want)
		}
	}
}
