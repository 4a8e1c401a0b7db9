package tuning

import (
	"slices"
	"strings"
	"testing"
)

func TestProfilesAreComplete(t *testing.T) {
	all, err := profiles()
	must(t, err)
	for name, p := range all {
		if !p.Internal && !slices.Contains(profileOrder, name) {
			t.Errorf("profile %s is not in the list", name)
		}
		for _, key := range p.Drop {
			inherited := slices.ContainsFunc(p.Inherits, func(from string) bool {
				return slices.ContainsFunc(all[from].Rows, func(r Row) bool { return r.Key == key })
			})
			if !inherited {
				t.Errorf("profile %s drops %s, which it does not inherit", name, key)
			}
		}
	}
	for _, name := range ProfileNames() {
		p, err := LoadProfile(name)
		must(t, err)
		if p.About == "" || len(p.Rows) < 10 {
			t.Errorf("profile %s is about %q and has %d rows", name, p.About, len(p.Rows))
		}
	}
	if _, err := LoadProfile("host"); err == nil {
		t.Error("an internal profile can be asked for")
	}
}

// TestWantsCanBeRead wants every row's want to be understood, whatever the host is.
func TestWantsCanBeRead(t *testing.T) {
	h := newHost(t, nil)
	for _, s := range []Service{{}, siteAndAPI} {
		variables := h.gather(s).variables(h)
		for _, name := range ProfileNames() {
			p, err := LoadProfile(name)
			must(t, err)
			for _, r := range p.Rows {
				if _, err := parseWant(fill(r.Want, variables)); err != nil {
					t.Errorf("profile %s: %s: %v", name, r.Key, err)
				}
			}
		}
	}
}

// TestDangerIsNeverApplied takes every risk, on a host where each dangerous setting is as it should not be.
func TestDangerIsNeverApplied(t *testing.T) {
	h := newHost(t, map[string]*string{"/proc/sys/kernel/io_uring_disabled": is("2\n")})
	r, err := Check(h, Options{Profile: "edge", Risk: Measure})
	must(t, err)
	p, err := NewPlan(h, r, DefaultState)
	must(t, err)
	for _, s := range p.Settings {
		if s.Risk == Danger {
			t.Errorf("%s is planned", s.Key)
		}
	}
	i := slices.IndexFunc(r.Rows, func(f Finding) bool { return f.Key == "kernel.io_uring_disabled" })
	if f := r.Rows[i]; f.State != Reported || f.Value != "2" || f.Target != "" {
		t.Errorf("%+v", f)
	}
	if _, err := Check(h, Options{Risk: Danger}); err == nil {
		t.Error("a danger can be asked for")
	}
}

// TestEngineIsNamed wants the rows that AnyGate's own code makes needless to be none that anything is done about.
func TestEngineIsNamed(t *testing.T) {
	p, err := LoadProfile("edge")
	must(t, err)
	named := 0
	for _, r := range p.Rows {
		if r.Engine == "" {
			continue
		}
		named++
		if r.Want != wantReport && r.Want != wantComputed {
			t.Errorf("%s is set by the engine, and wanted to be %s", r.Key, r.Want)
		}
	}
	if named == 0 {
		t.Error("no row names what the engine sets")
	}
}

func TestInheritance(t *testing.T) {
	full := Row{Key: "a", Want: "1", Risk: Safe, Reason: "r", Source: "s"}
	tests := []struct {
		name string
		own  map[string]*Profile
		want string // of profile x: keys with wants, or the error
	}{
		{"a row is replaced in its place", map[string]*Profile{
			"base": {Rows: []Row{full, {Key: "b", Want: "1", Risk: Safe, Reason: "r", Source: "s"}}},
			"x":    {Inherits: []string{"base"}, Rows: []Row{{Key: "a", Want: "2"}}},
		}, "a=2 b=1"},
		{"a row is dropped", map[string]*Profile{"base": {Rows: []Row{full}}, "x": {Inherits: []string{"base"}, Drop: []string{"a"}}}, ""},
		{"a chain", map[string]*Profile{"base": {Rows: []Row{full}}, "y": {Inherits: []string{"base"}}, "x": {Inherits: []string{"y"}}}, "a=1"},
		{"a circle", map[string]*Profile{"y": {Inherits: []string{"x"}}, "x": {Inherits: []string{"y"}}}, "inherits from itself"},
		{"from nowhere", map[string]*Profile{"x": {Inherits: []string{"y"}}}, `inherits from "y", which there is not`},
		{"a row without a reason", map[string]*Profile{"x": {Rows: []Row{{Key: "a", Want: "1", Risk: Safe, Source: "s"}}}}, "key, want, reason and source are needed"},
		{"an unknown risk", map[string]*Profile{"x": {Rows: []Row{full.with(Row{Risk: "fatal"})}}}, `no risk "fatal"`},
		{"an unknown condition", map[string]*Profile{"x": {Rows: []Row{full.with(Row{When: "ever"})}}}, `no condition "ever"`},
		{"an unknown reading", map[string]*Profile{"x": {Rows: []Row{full.with(Row{Read: "tea"})}}}, `no reading "tea"`},
		{"computed without a reading", map[string]*Profile{"x": {Rows: []Row{full.with(Row{Want: "computed", Rule: "r"})}}}, "a sysctl computes nothing"},
		{"computed without words", map[string]*Profile{"x": {Rows: []Row{full.with(Row{Want: ">=${nofile}"})}}}, "needs its rule in words"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			done := make(map[string]*Profile)
			var got string
			if err := inherit(tt.own, done, "x", nil); err != nil {
				if got = err.Error(); tt.want == "" || !strings.Contains(got, tt.want) {
					t.Errorf("%q, want %q", got, tt.want)
				}
				return
			}
			var rows []string
			for _, r := range done["x"].Rows {
				rows = append(rows, r.Key+"="+r.Want)
			}
			if got = strings.Join(rows, " "); got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

func TestUnknownFieldsAreRefused(t *testing.T) {
	var p Profile
	if err := decodeStrict([]byte("profile: x\nrows: [{key: a, wnat: 1}]\n"), &p); err == nil {
		t.Error("a field that nobody knows is taken")
	}
}
