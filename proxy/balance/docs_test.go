package balance

import (
	"os"
	"strconv"
	"strings"
	"testing"
)

// TestDocsOfPanic runs the table of docs/proxy-health.md about panic.
func TestDocsOfPanic(t *testing.T) {
	text, err := os.ReadFile("../../docs/proxy-health.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "\n| `panic` | members | available | requests go to |\n| --- | --- | --- | --- |\n")
	rows := 0
	for line := range strings.SplitSeq(table, "\n") {
		if !strings.HasPrefix(line, "|") {
			break
		}
		rows++
		cells := strings.Split(strings.Trim(line, "| "), " | ")
		share, _ := strconv.ParseFloat(strings.TrimSuffix(cells[0], "%"), 64) // "off" is 0
		all, err := strconv.Atoi(cells[1])
		if err != nil {
			t.Fatal(err)
		}
		up, err := strconv.Atoi(cells[2])
		if err != nil {
			t.Fatal(err)
		}
		v := view(members(all))
		v.SetPanic(share / 100)
		for i := up; i < all; i++ {
			v.SetUp(i, false)
		}
		used := map[int]bool{}
		p := picker(1)
		for range 4 * all {
			if i := p.Pick(v, &Ask{}); i >= 0 {
				used[i] = true
			}
		}
		want := strings.Replace(cells[3], "none: 503, `no_members`", "0", 1)
		if strconv.Itoa(len(used)) != want {
			t.Errorf("%s: requests go to %d members", line, len(used))
		}
	}
	if rows < 6 {
		t.Errorf("found %d rows, the page has more", rows)
	}
}
