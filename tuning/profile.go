package tuning

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"

	"github.com/anygate/anygate/route"
)

// Risk is what may come of changing a setting.
type Risk string

// The risks, from the least to the greatest.
const (
	// Safe is right for any host that runs AnyGate.
	Safe Risk = "safe"
	// Measure may help or harm: compare before and after.
	Measure Risk = "measure"
	// Danger trades away security or stability. It is reported, and never applied.
	Danger Risk = "danger"
)

// within reports whether the risk is at most another one.
func (r Risk) within(most Risk) bool {
	order := []Risk{Safe, Measure, Danger}
	return slices.Index(order, r) <= slices.Index(order, most)
}

// Row is one setting of a profile.
type Row struct {
	// Key is the sysctl, or the name of the reading.
	Key string `yaml:"key"`
	// Want is the wanted value in the form that parseWant reads, with variables as ${NAME}.
	Want string `yaml:"want"`
	// Rule says in words how a computed value or a variable comes about.
	Rule string `yaml:"rule"`
	// When is the condition under which the row matters; empty is always.
	When string `yaml:"when"`
	// Read names the reading that gives the value; empty reads the sysctl.
	Read string `yaml:"read"`
	// Command is what sets it, where that is not a sysctl.
	Command string `yaml:"command"`
	// Needs is a sysctl that lists the words which the kernel can do now, Module what has to be loaded for others.
	Needs  string `yaml:"needs"`
	Module string `yaml:"module"`
	// Touches are sysctls that the kernel changes along with this one.
	Touches []string `yaml:"touches"`

	Risk   Risk   `yaml:"risk"`
	Reason string `yaml:"reason"`
	Source string `yaml:"source"`
	// Cost is what it takes.
	Cost string `yaml:"cost"`
	// Engine names what AnyGate sets itself.
	Engine string `yaml:"engine"`
}

// Profile is a set of rows for one kind of host.
type Profile struct {
	Name string `yaml:"profile"`
	// Internal profiles are there to be inherited from.
	Internal bool     `yaml:"internal"`
	About    string   `yaml:"about"`
	Inherits []string `yaml:"inherits"`
	// Drop are the keys that are not inherited.
	Drop []string `yaml:"drop"`
	// Rows are the profile's own. A row whose key is inherited replaces the fields that it has.
	Rows []Row `yaml:"rows"`
}

//go:embed profiles/*.yml
var profileFiles embed.FS

// DefaultProfile is taken on a host when none is named, ContainerProfile in a container.
const (
	DefaultProfile   = "edge"
	ContainerProfile = "container"
)

// profileOrder is the order in which profiles are listed.
var profileOrder = []string{"edge", "latency", "throughput", "static", "proxy", "container"}

// ProfileNames are the profiles that can be asked for.
func ProfileNames() []string { return slices.Clone(profileOrder) }

// LoadProfile returns a profile with all that it inherits.
func LoadProfile(name string) (*Profile, error) {
	all, err := profiles()
	if err != nil {
		return nil, err
	}
	p := all[name]
	if p == nil || p.Internal {
		return nil, fmt.Errorf("there is no profile %q: they are %s", name, strings.Join(profileOrder, ", "))
	}
	return p, nil
}

// knownKey finds the mistake in a key that no profile has.
func knownKey(key string) error {
	all, err := profiles()
	if err != nil {
		return err
	}
	var keys []string
	for _, p := range all {
		for _, r := range p.Rows {
			if r.Key == key {
				return nil
			}
			keys = append(keys, r.Key)
		}
	}
	slices.Sort(keys)
	if near := route.Suggest(key, keys); near != "" {
		return fmt.Errorf("no profile has a setting %q; did you mean %q?", key, near)
	}
	return fmt.Errorf("no profile has a setting %q: 'anygate tune check --all' shows them", key)
}

// profiles are all of them, with what they inherit. The files are part of the program: an error is a defect of it.
var profiles = sync.OnceValues(func() (map[string]*Profile, error) {
	entries, err := profileFiles.ReadDir("profiles")
	if err != nil {
		return nil, err
	}
	own := make(map[string]*Profile)
	for _, e := range entries {
		text, err := profileFiles.ReadFile(path.Join("profiles", e.Name()))
		if err != nil {
			return nil, err
		}
		var p Profile
		if err := decodeStrict(text, &p); err != nil {
			return nil, fmt.Errorf("%s: %w", e.Name(), err)
		}
		if p.Name+".yml" != e.Name() {
			return nil, fmt.Errorf("%s holds the profile %q", e.Name(), p.Name)
		}
		own[p.Name] = &p
	}
	all := make(map[string]*Profile)
	for name := range own {
		if err := inherit(own, all, name, nil); err != nil {
			return nil, err
		}
	}
	return all, nil
})

// decodeStrict refuses what the type does not know.
func decodeStrict(text []byte, into any) error {
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	return d.Decode(into)
}

// inherit puts a profile with all its rows into done. below are the profiles that are waiting for it.
func inherit(own, done map[string]*Profile, name string, below []string) error {
	if done[name] != nil {
		return nil
	}
	p := own[name]
	switch {
	case p == nil:
		return fmt.Errorf("profile %s inherits from %q, which there is not", below[len(below)-1], name)
	case slices.Contains(below, name):
		return fmt.Errorf("profile %s inherits from itself", name)
	}
	out := *p
	out.Rows = nil
	for _, from := range p.Inherits {
		if err := inherit(own, done, from, append(below, name)); err != nil {
			return err
		}
		for _, r := range done[from].Rows {
			if !slices.Contains(p.Drop, r.Key) {
				out.Rows = append(out.Rows, r)
			}
		}
	}
	for _, r := range p.Rows {
		i := slices.IndexFunc(out.Rows, func(o Row) bool { return o.Key == r.Key })
		if i < 0 {
			out.Rows = append(out.Rows, r)
			continue
		}
		out.Rows[i] = out.Rows[i].with(r)
	}
	for _, r := range out.Rows {
		if err := r.valid(); err != nil {
			return fmt.Errorf("profile %s: %s: %w", name, r.Key, err)
		}
	}
	done[name] = &out
	return nil
}

// with is the row with the fields that another one has.
func (r Row) with(o Row) Row {
	for _, f := range []struct{ to, from *string }{
		{&r.Want, &o.Want},
		{&r.Rule, &o.Rule},
		{&r.When, &o.When},
		{&r.Read, &o.Read},
		{&r.Command, &o.Command},
		{&r.Needs, &o.Needs},
		{&r.Module, &o.Module},
		{&r.Reason, &o.Reason},
		{&r.Source, &o.Source},
		{&r.Cost, &o.Cost},
		{&r.Engine, &o.Engine},
		{(*string)(&r.Risk), (*string)(&o.Risk)},
	} {
		if *f.from != "" {
			*f.to = *f.from
		}
	}
	if o.Touches != nil {
		r.Touches = o.Touches
	}
	return r
}

// valid finds the mistakes of a row's author.
func (r Row) valid() error {
	switch {
	case r.Key == "" || r.Want == "" || r.Reason == "" || r.Source == "":
		return errors.New("key, want, reason and source are needed")
	case r.Risk != Safe && r.Risk != Measure && r.Risk != Danger:
		return fmt.Errorf("there is no risk %q", r.Risk)
	case r.When != "" && conditions[r.When] == nil:
		return fmt.Errorf("there is no condition %q", r.When)
	case r.Read != "" && readings[r.Read] == nil:
		return fmt.Errorf("there is no reading %q", r.Read)
	case r.Want == wantComputed && r.Read == "":
		return errors.New("a sysctl computes nothing")
	case (r.Want == wantComputed || strings.Contains(r.Want, "${")) && r.Rule == "":
		return errors.New("a computed value needs its rule in words")
	case r.Read == "" && r.Command != "":
		return errors.New("a sysctl needs no command")
	}
	return nil
}
