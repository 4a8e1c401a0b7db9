package control

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/anygate/anygate/config"
)

// Report is what a reload has changed, or would change.
type Report struct {
	Changes []Change
	// Remarks are what the new configuration asks for and cannot have: before a restart, or on this machine.
	Remarks []string
	Took    time.Duration
}

// Change is a difference between two configurations.
type Change struct {
	// Sign is '+', '-', or '~' for something that is there in both and not the same.
	Sign byte
	// What is a listener, route, upstream or section, and Name which one.
	What, Name string
}

func (c Change) String() string {
	return strings.TrimRight(fmt.Sprintf("%c %s %s", c.Sign, c.What, c.Name), " ")
}

// String is the report as the command prints it, a line for everything.
func (r *Report) String() string {
	var b strings.Builder
	for _, c := range r.Changes {
		b.WriteString(c.String() + "\n")
	}
	for _, remark := range r.Remarks {
		b.WriteString("! " + remark + "\n")
	}
	if len(r.Changes) == 0 {
		b.WriteString("the configuration is the same; files that it names may have changed\n")
	}
	return b.String()
}

// compare finds the differences of two configurations by their JSON, which has all that they say. Where in the file
// something stands is no part of it.
func compare(before, after *config.Config) *Report {
	a, b := flatten(before), flatten(after)
	r := &Report{}
	for _, key := range slices.SortedFunc(maps.Keys(union(a, b)), func(x, y thing) int {
		if x.rank != y.rank {
			return x.rank - y.rank
		}
		return strings.Compare(x.name, y.name)
	}) {
		old, had := a[key]
		now, has := b[key]
		c := Change{What: key.what, Name: key.name}
		switch {
		case !had:
			c.Sign = '+'
		case !has:
			c.Sign = '-'
		case !bytes.Equal(old, now):
			c.Sign = '~'
		default:
			continue
		}
		r.Changes = append(r.Changes, c)
	}
	return r
}

// thing is a part of a configuration that a report names.
type thing struct {
	rank       int
	what, name string
}

func union(a, b map[thing][]byte) map[thing]bool {
	all := make(map[thing]bool, len(a)+len(b))
	for k := range a {
		all[k] = true
	}
	for k := range b {
		all[k] = true
	}
	return all
}

// flatten takes a configuration to pieces.
func flatten(cfg *config.Config) map[thing][]byte {
	var whole map[string]any
	// What this package's own module has written can be read.
	_ = json.Unmarshal(cfg.JSON(), &whole)
	out := make(map[thing][]byte)
	put := func(t thing, v any) { out[t], _ = json.Marshal(stripped(v)) }
	each := func(member string, f func(m map[string]any)) {
		list, _ := whole[member].([]any)
		for _, v := range list {
			if m, ok := v.(map[string]any); ok {
				f(m)
			}
		}
		delete(whole, member)
	}
	each("listen", func(m map[string]any) {
		name := fmt.Sprint(m["address"])
		if m["network"] == "unix" {
			name = "unix:" + name
		}
		put(thing{0, "listener", name}, m)
	})
	each("routes", func(m map[string]any) { put(thing{1, "route", fmt.Sprint(m["head"])}, m) })
	each("upstreams", func(m map[string]any) {
		// One without a name is told of with the route that names its address.
		if m["named"] == true {
			put(thing{2, "upstream", fmt.Sprint(m["name"])}, m)
		}
	})
	delete(whole, "files")
	delete(whole, "schema")
	for section, v := range whole {
		put(thing{3, "section", section}, v)
	}
	return out
}

// stripped is a value without the places in files.
func stripped(v any) any {
	switch v := v.(type) {
	case map[string]any:
		if _, placed := v["line"]; placed {
			delete(v, "file")
			delete(v, "line")
			delete(v, "column")
		}
		for k := range v {
			v[k] = stripped(v[k])
		}
	case []any:
		for i := range v {
			v[i] = stripped(v[i])
		}
	}
	return v
}
