package tuning

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// SysctlFile is what Apply writes for the next start of the host.
const SysctlFile = "/etc/sysctl.d/90-anygate.conf"

// DefaultState is where Apply keeps how things were. /var/lib/anygate is no place for it: that is the state directory of the
// service, which systemd gives to the service's user with all that is in it, and Revert writes as root what the record says.
const DefaultState = "/var/lib/anygate-tune/restore.json"

// Setting is a sysctl that a plan changes.
type Setting struct {
	Key    string `json:"key"`
	Before string `json:"before"`
	After  string `json:"after"`
	Reason string `json:"reason"`
	Risk   Risk   `json:"risk"`

	touches []string
}

// Plan is what Apply would do.
type Plan struct {
	Profile string `json:"profile"`
	// Container says why nothing may be written, empty if it may.
	Container string    `json:"container"`
	Settings  []Setting `json:"settings"`
	// File is the name of the file for the next start, with its lines as they are and as they will be.
	File      string   `json:"file"`
	FileLines []string `json:"file_lines"`
	WereLines []string `json:"file_lines_before"`
	// Manual are the rows that apply does not do.
	Manual []Finding `json:"manual"`
	// Warnings are what may undo the plan.
	Warnings []string `json:"warnings"`

	report *Report
	fileIs []byte
	// seen is what the plan was made of, and must be so still when it is carried out.
	seen struct {
		values map[string]string
		file   []byte
		saved  *state
	}
}

// NewPlan makes a plan of what a report finds, with all that was applied before and holds on.
func NewPlan(h *Host, r *Report, state string) (*Plan, error) {
	p := &Plan{Profile: r.Profile, Container: r.Container, File: SysctlFile, Settings: []Setting{}, Manual: []Finding{}, Warnings: []string{}, report: r}
	todo, _ := r.Todo()
	for _, f := range todo {
		if f.Target == "" {
			p.Manual = append(p.Manual, f)
			continue
		}
		p.Settings = append(p.Settings, Setting{Key: f.Key, Before: f.Value, After: f.Target, Reason: f.Reason, Risk: f.Risk, touches: f.touches})
	}
	saved, err := h.loadState(state)
	if err != nil {
		return nil, err
	}
	was, _ := h.raw(SysctlFile)
	p.seen.file, p.seen.saved, p.seen.values = was, saved, make(map[string]string)
	for _, s := range p.Settings {
		p.seen.values[s.Key] = s.Before
	}
	p.WereLines = assignmentLines(string(was))
	p.fileIs = p.render(saved, string(was))
	p.FileLines = assignmentLines(string(p.fileIs))
	if saved != nil && saved.Profile != r.Profile {
		p.Warnings = append(p.Warnings, fmt.Sprintf("the profile %s was applied before, and what it set stays; 'anygate tune revert' first takes it back", saved.Profile))
	}
	for _, a := range assignments(string(p.fileIs)) {
		p.Warnings = append(p.Warnings, h.overridden(a.key, a.value)...)
	}
	return p, nil
}

// ErrStale says that the host is not any more what the plan was made of.
var ErrStale = errors.New("nothing was written, because the host has changed since this was shown")

// stale says what has changed since the plan was made. A question may have waited for its answer for an hour, and what is
// written is to be what was shown.
func (p *Plan) stale(h *Host, file []byte, saved *state) error {
	for _, key := range sortedKeys(p.seen.values) {
		if was, is := p.seen.values[key], readSysctl(h, key).text; is != was {
			return fmt.Errorf("%w: %s was %s and is %s", ErrStale, key, orEmpty(was), orEmpty(is))
		}
	}
	if !bytes.Equal(p.seen.file, file) {
		return fmt.Errorf("%w: %s", ErrStale, p.File)
	}
	if !reflect.DeepEqual(p.seen.saved, saved) {
		return fmt.Errorf("%w: another 'anygate tune' was at work", ErrStale)
	}
	return nil
}

// Empty reports whether there is nothing to write.
func (p *Plan) Empty() bool {
	return len(p.Settings) == 0 && (len(p.FileLines) == 0 || slices.Equal(p.FileLines, p.WereLines))
}

// render is the file for the next start: what was applied before, what is applied now, and lines of others that were there.
func (p *Plan) render(saved *state, was string) []byte {
	var set []assignment
	add := func(key, value string) {
		// A host may load connection tracking later than its sysctls; the sign lets a missing key pass.
		a := assignment{key, value, strings.HasPrefix(key, "net.netfilter.")}
		if i := slices.IndexFunc(set, func(s assignment) bool { return s.key == key }); i >= 0 {
			set[i] = a
		} else {
			set = append(set, a)
		}
	}
	if saved != nil {
		for _, s := range saved.Settings {
			if s.Wanted != "" && !slices.Contains(p.report.options.Skip, s.Key) {
				add(s.Key, s.Wanted)
			}
		}
	}
	for _, s := range p.Settings {
		add(s.Key, s.After)
	}
	if len(set) == 0 {
		return nil
	}
	head := fmt.Sprintf("%s with the profile %s, and taken back by 'anygate tune revert'.\n%s", fileHead, p.Profile, fileHead2)
	return []byte(rewrite(was, head, set, p.keeps))
}

// keeps reports whether a line of the file is as the profile wants it, or none of its business: somebody has made it so.
func (p *Plan) keeps(a assignment) bool {
	i := slices.IndexFunc(p.report.Rows, func(f Finding) bool { return f.Key == a.key && f.want.text != "" })
	return i < 0 || p.report.Rows[i].want.met(a.value)
}

func sortedKeys(m map[string]string) []string {
	return slices.Sorted(maps.Keys(m))
}
