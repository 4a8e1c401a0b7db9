package route

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// referenceMatch is CONFIG.md's "Routes" word for word: every route is looked
// at, those that match are put into the order of the rules, and the first one
// with the method is it.
func referenceMatch(heads []Head, method, host, path string) (value int, outcome Outcome, allow []string) {
	host = strings.ToLower(host)
	var matching []int
	for i, h := range heads {
		if referenceHost(h.Host, host) && referencePath(h.Segments, strings.Split(path, "/")[1:]) {
			matching = append(matching, i)
		}
	}
	slices.SortStableFunc(matching, func(a, b int) int {
		if c := referenceHostRank(heads[a].Host) - referenceHostRank(heads[b].Host); c != 0 {
			return c
		}
		return referencePathOrder(heads[a].Segments, heads[b].Segments)
	})
	for len(matching) > 0 {
		// All routes of one host and path shape, then the next.
		n := 1
		for n < len(matching) && shapeOf(heads[matching[n]]) == shapeOf(heads[matching[0]]) {
			n++
		}
		same := matching[:n]
		matching = matching[n:]
		lists := func(m string) int {
			return slices.IndexFunc(same, func(i int) bool { return slices.Contains(heads[i].Methods, m) })
		}
		if i := lists(method); i >= 0 {
			return same[i], Found, nil
		}
		if i := lists("GET"); i >= 0 && method == "HEAD" {
			return same[i], Found, nil
		}
		if i := slices.IndexFunc(same, func(i int) bool { return len(heads[i].Methods) == 0 }); i >= 0 {
			return same[i], Found, nil
		}
		for _, i := range same {
			allow = append(allow, heads[i].Methods...)
		}
	}
	if allow == nil {
		return 0, NotFound, nil
	}
	if slices.Contains(allow, "GET") {
		allow = append(allow, "HEAD")
	}
	slices.Sort(allow)
	return 0, MethodNotAllowed, slices.Compact(allow)
}

func referenceHost(pattern, host string) bool {
	if suffix, wild := strings.CutPrefix(pattern, "*"); wild {
		return strings.HasSuffix(host, suffix) && len(host) > len(suffix)
	}
	return pattern == "" || pattern == host
}

func referenceHostRank(pattern string) int {
	switch {
	case pattern == "":
		return 1000
	case pattern[0] == '*':
		return 500 - len(pattern)
	}
	return 0
}

func referencePath(pattern []Segment, path []string) bool {
	for i, s := range pattern {
		switch {
		case s.Kind == Rest:
			return true
		case i == len(path), s.Kind == Param && path[i] == "", s.Kind == Literal && path[i] != s.Text:
			return false
		}
	}
	return len(pattern) == len(path)
}

// referencePathOrder compares two patterns that match the same path.
func referencePathOrder(a, b []Segment) int {
	rank := func(s []Segment, i int) int {
		if i == len(s) {
			return 0 // The end of an exact path goes before a rest of nothing.
		}
		return 1 + int(s[i].Kind)
	}
	for i := range max(len(a), len(b)) + 1 {
		if i > len(a) || i > len(b) {
			break
		}
		if c := rank(a, i) - rank(b, i); c != 0 {
			return c
		}
	}
	return 0
}

// TestMatchAgainstReference compares the tree with the reference on random
// tables, over few words so that much of them overlaps.
func TestMatchAgainstReference(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	pick := func(words ...string) string { return words[r.IntN(len(words))] }
	outcomes := map[Outcome]int{}
	for range 600 {
		heads, b := []Head(nil), Builder{}
		for range 1 + r.IntN(30) {
			h := mustHead(t, randomHead(r, pick))
			if _, ok := b.Add(h, uint32(len(heads))); ok {
				heads = append(heads, h)
			}
		}
		table := b.Build()
		for range 60 {
			method := pick("GET", "GET", "HEAD", "POST", "PUT", "XYZ")
			host := pick("", "a.test", "B.a.test", "c.b.a.test", "test", "x.y")
			path := ""
			for range 1 + r.IntN(5) {
				path += "/" + pick("a", "a", "b", "ab", "abc", "c", "")
			}
			value, outcome, allow := referenceMatch(heads, method, host, path)
			var m Match
			got := table.Match([]byte(method), []byte(host), []byte(path), &m)
			outcomes[got]++
			if got != outcome || got == Found && int(m.Value) != value {
				t.Fatalf("seed %d: %s %s%s in %v:\ngot %v %d, want %v %d", seed, method, host, path, heads, got, m.Value, outcome, value)
			}
			if got == Found {
				checkMatch(t, heads[value], path, &m)
			}
			if list := string(table.AppendAllow(nil, []byte(host), []byte(path))); got == MethodNotAllowed && list != strings.Join(allow, ", ") {
				t.Fatalf("seed %d: %s %s%s in %v:\nAllow: %s, want %q", seed, method, host, path, heads, list, allow)
			}
		}
	}
	for _, o := range []Outcome{Found, NotFound, MethodNotAllowed} {
		if outcomes[o] < 500 {
			t.Errorf("only %d times %v: the tables test too little", outcomes[o], o)
		}
	}
}

func randomHead(r *rand.Rand, pick func(...string) string) string {
	head := pick("", "", "GET ", "POST ", "GET PUT ", "HEAD ")
	head += pick("", "", "a.test", "*.a.test", "*.test", "*.b.a.test")
	for i := range 1 + r.IntN(4) {
		head += "/" + pick("a", "a", "b", "ab", "abc", ":p"+string(rune('0'+i)), ":q"+string(rune('0'+i)), "")
	}
	return head + pick("", "", "", "/", "/*")
}

// checkMatch checks that the parameters and the rest are what h takes of path.
func checkMatch(t *testing.T, h Head, path string, m *Match) {
	t.Helper()
	segments := strings.Split(path, "/")[1:]
	var values []string
	off, rest := 1, len(path)
	for i, s := range h.Segments {
		if s.Kind == Rest {
			rest = min(off, len(path))
			break
		}
		if s.Kind == Param {
			values = append(values, segments[i])
		}
		off += len(segments[i]) + 1
	}
	if m.NParams != len(values) || m.HasRest != h.HasRest() || m.Rest != rest {
		t.Fatalf("%s on %q: %d parameters, rest %v at %d; want %d, %v at %d", h, path, m.NParams, m.HasRest, m.Rest, len(values), h.HasRest(), rest)
	}
	for i, want := range values {
		if got := path[m.Params[i].Start:m.Params[i].End]; got != want {
			t.Fatalf("%s on %q: parameter %d is %q, want %q", h, path, i, got, want)
		}
	}
}
