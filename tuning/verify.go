package tuning

import (
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// Witness is a counter of the kernel's, and what it speaks for.
type Witness struct {
	Counter string `yaml:"counter"`
	// Level says that the counter is how things stand, not how often something happened.
	Level bool `yaml:"level"`
	// Above is the number above which it is evidence; with Of it is Share, the part of that other counter.
	Above int64   `yaml:"above"`
	Of    string  `yaml:"of"`
	Share float64 `yaml:"share"`
	// Least is below which number a share says nothing: one packet of fifty that was lost is no measure of a path.
	Least int64 `yaml:"least"`
	// Supports are the keys of the settings that it speaks for.
	Supports []string `yaml:"supports"`
	Says     string   `yaml:"says"`
	// Otherwise is what to look at when these are as wanted.
	Otherwise string `yaml:"otherwise"`
}

//go:embed evidence.yml
var evidenceFile []byte

// witnesses are all of them. The file is part of the program: an error is a defect of it.
var witnesses = sync.OnceValues(func() ([]Witness, error) {
	var all []Witness
	if err := decodeStrict(evidenceFile, &all); err != nil {
		return nil, fmt.Errorf("evidence.yml: %w", err)
	}
	for _, w := range all {
		if w.Counter == "" || w.Says == "" || w.Otherwise == "" {
			return nil, errors.New("evidence.yml: counter, says and otherwise are needed")
		}
	}
	return all, nil
})

// Testimony is a witness on this host.
type Testimony struct {
	Counter string `json:"counter"`
	// Known is false for what this kernel does not count.
	Known bool  `json:"known"`
	Value int64 `json:"value"`
	// Of and OfValue are what it is compared with, where it is compared.
	Of       string   `json:"of,omitempty"`
	OfValue  int64    `json:"of_value,omitempty"`
	Evidence bool     `json:"evidence"`
	Says     string   `json:"says,omitempty"`
	Supports []string `json:"supports,omitempty"`
	// Settings are the supported ones that are not as wanted, as "KEY: VALUE, wanted WANTED".
	Settings []string `json:"settings,omitempty"`
	// Unseen are the supported ones that cannot be read here: those of its host, in a container.
	Unseen []string `json:"unseen,omitempty"`
	// Otherwise is what to look at, where none of them is known to be another than wanted.
	Otherwise string `json:"otherwise,omitempty"`
}

// Evidence is what Verify finds.
type Evidence struct {
	Profile string `json:"profile"`
	// Container says that counters of the machine may not be ours.
	Container string `json:"container"`
	// Watched is for how long the counters were watched, empty for since the host has started.
	Watched   string      `json:"watched"`
	Witnesses []Testimony `json:"witnesses"`
}

// Verify asks the kernel's counters. Between two readings of them, wait is called, unless it is nil; then the counts since the
// host has started are what is judged. watched says in words how long it takes.
func Verify(h *Host, o Options, watched string, wait func() error) (*Evidence, error) {
	f := h.gather(o.Service)
	now := f.counters
	judged := now
	if wait != nil {
		if err := wait(); err != nil {
			return nil, err
		}
		now = h.count(f.process)
		judged = now.since(f.counters)
		f.counters = now
	}
	o.Risk = Measure
	if o.Profile == "" {
		// In a container too: what its host should be set to is worth knowing.
		o.Profile = DefaultProfile
	}
	report, err := checkWith(h, o, f)
	if err != nil {
		return nil, err
	}
	all, err := witnesses()
	if err != nil {
		return nil, err
	}
	e := &Evidence{Profile: report.Profile, Container: report.Container, Watched: watched}
	for _, w := range all {
		from := judged
		if w.Level {
			from = now
		}
		e.Witnesses = append(e.Witnesses, w.testify(from, report))
	}
	return e, nil
}

// evident reports whether the counts are evidence.
func (w Witness) evident(c counters) bool {
	n := c[w.Counter]
	if w.Of == "" {
		return n > w.Above
	}
	whole := c.whole(w.Of)
	return n > 0 && n >= w.Least && whole > 0 && float64(n) > float64(whole)*w.Share
}

// testify compares a counter, and looks up the settings that it speaks for.
func (w Witness) testify(c counters, report *Report) Testimony {
	t := Testimony{Counter: w.Counter, Of: w.Of, Evidence: w.evident(c)}
	t.Value, t.Known = c[w.Counter]
	if w.Of != "" {
		t.OfValue = c.whole(w.Of)
	}
	if !t.Evidence {
		return t
	}
	t.Says, t.Supports = w.Says, w.Supports
	for _, found := range report.Rows {
		switch {
		case !slices.Contains(w.Supports, found.Key):
		case found.State == Change:
			t.Settings = append(t.Settings, found.sentence())
		case found.State == Absent:
			t.Unseen = append(t.Unseen, found.name())
		}
	}
	if len(t.Settings) == 0 {
		t.Otherwise = w.Otherwise
	}
	return t
}

// sentence is a finding in one line.
func (f Finding) sentence() string {
	var b strings.Builder
	b.WriteString(f.name())
	fmt.Fprintf(&b, ": %s, wanted %s", f.Value, f.Wanted)
	return b.String()
}

// name is the key, with the interface where there are several.
func (f Finding) name() string {
	if f.Subject != "" {
		return f.Key + " " + f.Subject
	}
	return f.Key
}

// Found reports whether anything is evidence.
func (e *Evidence) Found() bool {
	return slices.ContainsFunc(e.Witnesses, func(t Testimony) bool { return t.Evidence })
}
