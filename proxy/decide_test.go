package proxy

import (
	"fmt"
	"testing"
)

// TestDecide goes through every cell of the table: each cause, with each state
// of the content, for each kind of method, and with each of the other things
// that matter present or not. What is expected is written down as the
// sentences of the documentation are, not as the code is.
func TestDecide(t *testing.T) {
	causes := map[cause]string{causeConnect: "connect", causeRefused: "refused", causeStale: "stale", causeReset: "reset", causeTimeout: "timeout", causeStatus: "status"}
	contents := map[contentState]string{contentUnread: "unread", contentHeld: "held", contentGone: "gone"}
	counts := map[decision]int{}
	for what, cause := range causes {
		for content, state := range contents {
			for bits := range 1 << 8 {
				has := func(k int) bool { return bits&(1<<k) != 0 }
				a := attempt{
					cause: what, content: content,
					idempotent: has(0), unsent: has(1), begun: has(2), stale: has(3),
					on: has(4), left: has(5), budget: has(6), members: has(7),
				}
				want := giveUp
				harmless := a.idempotent || a.unsent
				allowed := a.on && a.left && a.budget
				sendable := state != "gone" && !a.begun
				switch {
				case sendable && cause == "connect" && a.members:
					want = otherNext
				case sendable && cause == "refused" && !a.stale:
					want = sameAgain
				case sendable && cause == "refused" && a.members:
					want = otherNext
				case sendable && cause == "stale" && harmless && !a.stale:
					want = sameAgain
				case sendable && cause != "connect" && cause != "refused" && harmless && allowed:
					want = otherNext
				}
				got := decide(&a)
				counts[got]++
				if got != want {
					t.Errorf("%s, content %s, %+v: decided %d, want %d", cause, state, a, got, want)
				}
			}
		}
	}
	if len(counts) != 3 {
		t.Errorf("not every decision occurs: %v", counts)
	}
}

// TestDecideExamples are the rows of the table in the documentation.
func TestDecideExamples(t *testing.T) {
	all := attempt{on: true, left: true, budget: true, members: true}
	for _, tt := range []struct {
		name string
		with func(a *attempt)
		want decision
	}{
		{"a POST whose member cannot be connected to", func(a *attempt) { a.cause = causeConnect }, otherNext},
		{"the same, with every member tried", func(a *attempt) { a.cause, a.members = causeConnect, false }, giveUp},
		{"the same, behind an interim response of another attempt", func(a *attempt) { a.cause, a.begun = causeConnect, true }, giveUp},
		{"a POST that its member has refused unseen", func(a *attempt) { a.cause, a.on = causeRefused, false }, sameAgain},
		{"the same, refused again", func(a *attempt) { a.cause, a.stale, a.on = causeRefused, true, false }, otherNext},
		{"the same, with every member tried", func(a *attempt) { a.cause, a.stale, a.members = causeRefused, true, false }, giveUp},
		{"a POST that was refused, with its content gone", func(a *attempt) { a.cause, a.content = causeRefused, contentGone }, giveUp},
		{"a GET on a stale connection", func(a *attempt) { a.cause, a.idempotent, a.on = causeStale, true, false }, sameAgain},
		{"a POST on a stale connection", func(a *attempt) { a.cause = causeStale }, giveUp},
		{"a POST on a stale connection of which nothing has left", func(a *attempt) { a.cause, a.unsent, a.on = causeStale, true, false }, sameAgain},
		{"a GET on a second stale connection", func(a *attempt) { a.cause, a.idempotent, a.stale = causeStale, true, true }, otherNext},
		{"a GET whose connection was reset", func(a *attempt) { a.cause, a.idempotent = causeReset, true }, otherNext},
		{"the same, on a route that does not retry", func(a *attempt) { a.cause, a.idempotent, a.on = causeReset, true, false }, giveUp},
		{"the same, without an attempt left", func(a *attempt) { a.cause, a.idempotent, a.left = causeReset, true, false }, giveUp},
		{"the same, beyond the budget", func(a *attempt) { a.cause, a.idempotent, a.budget = causeReset, true, false }, giveUp},
		{"a PUT whose content is held", func(a *attempt) { a.cause, a.idempotent, a.content = causeTimeout, true, contentHeld }, otherNext},
		{"a PUT whose content is gone", func(a *attempt) { a.cause, a.idempotent, a.content = causeTimeout, true, contentGone }, giveUp},
		{"a POST that was answered with 503", func(a *attempt) { a.cause = causeStatus }, giveUp},
		{"a GET that was answered with 503", func(a *attempt) { a.cause, a.idempotent = causeStatus, true }, otherNext},
	} {
		a := all
		tt.with(&a)
		if got := decide(&a); got != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, got, tt.want)
		}
	}
}

func TestMayRepeat(t *testing.T) {
	for _, tt := range []struct {
		active, repeating int
		budget            float64
		already           bool
		want              bool
	}{
		{1, 0, 0, false, true},
		{1, 2, 0, false, true},
		{100, 3, 0, false, false},
		{100, 19, 0.2, false, true},
		{100, 20, 0.2, false, false},
		{100, 20, 0.2, true, true},
		{10, 2, 0.2, false, true},
		{10, 3, 0.2, false, false},
		{10, 9, 1, false, true},
	} {
		v := &view{calls: tt.active, repeats: tt.repeating}
		if got := v.mayRepeat(tt.budget, tt.already); got != tt.want {
			t.Error(fmt.Sprintf("%+v", tt), got)
		}
	}
}
