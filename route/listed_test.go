package route

import "testing"

func TestMatchListed(t *testing.T) {
	heads := []string{
		"* /", "CONNECT tunnel.test/", "* tunnel.test/", "CONNECT *.wild.test/", "* deep.wild.test/", "GET CONNECT both.test/", "CONNECT path.test/a/",
		"CONNECT any.test/*",
	}
	table := routes(t, heads...)
	for _, tt := range []struct {
		host    string
		want    string
		outcome Outcome
	}{
		{"tunnel.test:443", "CONNECT tunnel.test/", Found},
		{"TUNNEL.test:443", "CONNECT tunnel.test/", Found},
		{"a.wild.test:1", "CONNECT *.wild.test/", Found},
		{"deep.wild.test:1", "CONNECT *.wild.test/", Found}, // the nearer route is for every method, which is not enough
		{"both.test:1", "GET CONNECT both.test/", Found},
		{"any.test:1", "CONNECT any.test/*", Found},
		{"path.test:1", "", MethodNotAllowed},
		{"other.test:1", "", MethodNotAllowed},
	} {
		var m Match
		outcome := table.MatchListed([]byte("CONNECT"), []byte(tt.host), []byte("/"), &m)
		if outcome != tt.outcome || outcome == Found && heads[m.Value] != tt.want {
			t.Errorf("%s: %v, value %d, want %v %s", tt.host, outcome, m.Value, tt.outcome, tt.want)
		}
	}
	var m Match
	if got := routes(t, "* /").MatchListed([]byte("CONNECT"), nil, []byte("/"), &m); got != NotFound {
		t.Errorf("a method that no route lists: %v", got)
	}
	host, path := []byte("deep.wild.test:1"), []byte("/")
	if n := testing.AllocsPerRun(100, func() { table.MatchListed([]byte("CONNECT"), host, path, &m) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
