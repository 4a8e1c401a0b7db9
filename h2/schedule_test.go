package h2

import (
	"fmt"
	"strings"
	"testing"
)

func TestPriority(t *testing.T) {
	tests := []struct {
		value       string
		urgency     uint8
		incremental bool
	}{
		{"", 3, false},
		{"u=0", 0, false},
		{"u=7, i", 7, true},
		{"i", 3, true},
		{"i=?1", 3, true},
		{"i=?0", 3, false},
		{"i, i=?0", 3, false},
		{"u=5;x=1;y, i;z", 5, true},
		{"u=1 ,\ti", 1, true},
		{"x=(1 2;a \"b\");c, u=2", 2, false},
		{"x=\"a\\\"b\", y=:YWJj:, z=*t/1, w=-1.5, u=1", 1, false},
		// Out of range, or of another type: as if it were not there.
		{"u=8, i", 3, true},
		{"u=-1", 3, false},
		{"u=1.0", 3, false},
		{"u", 3, false},
		{"i=1, u=4", 4, false},
		{"u=\"1\"", 3, false},
		// Malformed: all of it is ignored.
		{"u=1,", 3, false},
		{"u=1 i", 3, false},
		{"u=1, I", 3, false},
		{"u=1, i=?2", 3, false},
		{"u=1, x=\"a", 3, false},
		{"u=1, x=(1", 3, false},
		{"u=1, x=(1\"a\")", 3, false},
		{"u=1, x=1.", 3, false},
		{"u=1, x=1234567890123456", 3, false},
		{"u=1, x=:a*:", 3, false},
		{"u=1, =2", 3, false},
		{"u=", 3, false},
		{"u=1;", 3, false},
	}
	for _, tt := range tests {
		s := Stream{priority: mergePriority(defaultPriority, []byte(tt.value))}
		if u, i := s.Priority(); u != tt.urgency || i != tt.incremental {
			t.Errorf("%q: %d %t, want %d %t", tt.value, u, i, tt.urgency, tt.incremental)
		}
	}
}

// turns is the order of n frames of the streams, each of which always has more.
func (r *rig) turns(n int, size int) string {
	var got []string
	for range n {
		s := r.c.NextReady()
		if s == nil {
			break
		}
		got = append(got, fmt.Sprint(s.ID))
		r.sc.Out = r.c.AppendDataHeader(r.sc.Out, s, min(size, r.c.Room(s)), false)
		r.c.Ready(s)
		check(r.t, r.c)
	}
	return strings.Join(got, " ")
}

func with(id uint32, priority string) string {
	return frameOf(frameHeaders, flagEndHeaders|flagEndStream, id, getBlock+fields("priority", priority))
}

func update(id uint32, priority string) string {
	return frameOf(framePriorityUpdate, 0, 0, be32(id)+priority)
}

func TestSchedule(t *testing.T) {
	tests := []struct {
		name string
		in   string
		want string
	}{
		{"a client that says nothing", get(1) + get(3) + get(5), "5 3 1 5 3 1"},
		{"one after the other", with(1, "u=3") + with(3, "u=3") + with(5, "u=3"), "1 1 1 1 1 1"},
		{"urgency", with(1, "u=3") + with(3, "u=1, i") + with(5, "u=1, i") + with(7, "u=7"), "5 3 5 3 5 3"},
		{"those in order before those in turn", with(1, "i") + with(3, "u=3"), "3 3 3 3 3 3"},
		{"an update before", update(3, "u=0") + get(1) + with(3, "u=7"), "3 3 3 3 3 3"},
		{"an update after", get(1) + get(3) + update(3, "u=0"), "3 3 3 3 3 3"},
		{"updates of what is not there", update(9, "u=0") + update(11, "u=0") + update(13, "u=0") + update(15, "u=0") + update(17, "u=0") + get(1), "1 1 1 1 1 1"},
		{"two updates before", update(3, "u=0") + update(3, "i") + get(1) + get(3), "3 3 3 3 3 3"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := serving(t, &DefaultConfig)
			r.take(tt.in)
			for id := uint32(9); id > 0; id-- { // not in the order of the streams
				if s := r.c.lookup(id); s != nil {
					r.c.Ready(s)
				}
			}
			if got := r.turns(6, 100); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
		})
	}
}

// TestScheduleInOrder: streams that are not incremental are in the order of their requests, whenever they get ready.
func TestScheduleInOrder(t *testing.T) {
	r := serving(t, &DefaultConfig)
	r.take(with(1, "u=3") + with(3, "u=3") + with(5, "u=3") + with(7, "u=3"))
	for _, id := range []uint32{5, 1, 7, 3} {
		r.c.Ready(r.c.lookup(id))
		check(t, r.c)
	}
	got := ""
	for s := r.c.NextReady(); s != nil; s = r.c.NextReady() {
		got += fmt.Sprint(s.ID, " ")
		check(t, r.c)
	}
	if got != "1 3 5 7 " {
		t.Error(got)
	}
}

// TestScheduleWindows: streams wait for their windows, all of them for the connection's.
func TestScheduleWindows(t *testing.T) {
	r := serving(t, &DefaultConfig)
	r.take(settingsOf(settingInitialWindow, 1000) + get(1) + get(3))
	one, three := r.c.lookup(1), r.c.lookup(3)
	r.c.Ready(one)
	r.c.Ready(three)
	if got := r.turns(9, 600); got != "1 3 1 3" {
		t.Error(got)
	}
	r.log = nil
	r.take(window(3, 500))
	equal(t, "events", r.log, "writable 3")
	if got := r.turns(9, 600); got != "3" {
		t.Error(got)
	}
	r.take(settingsOf(settingInitialWindow, 1100))
	if got := r.turns(9, 600); got != "1 3" && got != "3 1" {
		t.Error(got)
	}
	r.take(window(1, 1<<20) + window(3, 1<<20))
	if got := r.turns(9, 16384); got != "1 3 1 3" && got != "3 1 3 1" {
		t.Error(got)
	}
	if r.c.HasReady() {
		t.Error("the connection has no window")
	}
	r.log = nil
	r.take(window(0, 1))
	equal(t, "events", r.log, "writable 0")
	if !r.c.HasReady() {
		t.Error("the connection has a window again")
	}
	r.c.Reset(one, Cancel)
	r.c.Release(three)
	if r.c.HasReady() {
		t.Error("streams that have ended are ready")
	}
	check(t, r.c)
}
