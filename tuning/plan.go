package tuning

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// SysctlFile is what Apply writes for the next start of the host.
const SysctlFile = "/etc/sysctl.d/90-anygate.conf"

// DefaultState is where Apply keeps how things were.
const DefaultState = "/var/lib/anygate/tune-restore.json"

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
	was := h.text(SysctlFile)
	p.WereLines = assignments(was)
	p.fileIs = p.render(saved, was)
	p.FileLines = assignments(string(p.fileIs))
	if saved != nil && saved.Profile != r.Profile {
		p.Warnings = append(p.Warnings, fmt.Sprintf("the profile %s was applied before, and what it set stays; 'anygate tune revert' first takes it back", saved.Profile))
	}
	for _, line := range p.FileLines {
		key, wanted, _ := strings.Cut(line, " = ")
		p.Warnings = append(p.Warnings, h.overridden(strings.TrimPrefix(key, "-"), wanted)...)
	}
	return p, nil
}

// Empty reports whether there is nothing to write.
func (p *Plan) Empty() bool {
	return len(p.Settings) == 0 && (len(p.FileLines) == 0 || slices.Equal(p.FileLines, p.WereLines))
}

// render is the file for the next start: what was applied before, what is applied now, and lines of others that were there.
func (p *Plan) render(saved *state, was string) []byte {
	keys, values := []string{}, map[string]string{}
	set := func(key, value string) {
		if _, there := values[key]; !there {
			keys = append(keys, key)
		}
		values[key] = value
	}
	for _, line := range assignments(was) {
		key, value, _ := strings.Cut(line, " = ")
		set(strings.TrimPrefix(key, "-"), value)
	}
	if saved != nil {
		for _, s := range saved.Settings {
			if s.Wanted != "" {
				set(s.Key, s.Wanted)
			}
		}
	}
	for _, s := range p.Settings {
		set(s.Key, s.After)
	}
	if len(keys) == 0 {
		return nil
	}
	var b strings.Builder
	fmt.Fprintf(&b, "# Written by 'anygate tune apply' with the profile %s, and taken back by 'anygate tune revert'.\n", p.Profile)
	b.WriteString("# docs/tuning.md says why; settings of your own belong into another file.\n")
	for _, key := range keys {
		// A host may load connection tracking later than its sysctls; the sign lets a missing key pass.
		sign := ""
		if strings.HasPrefix(key, "net.netfilter.") {
			sign = "-"
		}
		fmt.Fprintf(&b, "%s%s = %s\n", sign, key, values[key])
	}
	return []byte(b.String())
}

// assignments are the lines of a file of sysctls that set something, in one form.
func assignments(text string) []string {
	out := []string{}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		key, value, ok := strings.Cut(line, "=")
		if !ok || strings.HasPrefix(line, "#") || strings.HasPrefix(line, ";") {
			continue
		}
		key = strings.ReplaceAll(strings.TrimSpace(key), "/", ".")
		out = append(out, key+" = "+strings.Join(strings.Fields(value), " "))
	}
	return out
}

// overridden warns of files that set a key to something else and are read after ours (sysctl.d(5)).
func (h *Host) overridden(key, wanted string) (warnings []string) {
	files := map[string]string{}
	for _, dir := range []string{"/usr/lib/sysctl.d", "/usr/local/lib/sysctl.d", "/run/sysctl.d", "/etc/sysctl.d"} {
		for _, name := range h.names(dir) {
			// A file takes the place of one with its name in a directory before.
			if strings.HasSuffix(name, ".conf") && name > path.Base(SysctlFile) {
				files[name] = path.Join(dir, name)
			}
		}
	}
	files["~"] = "/etc/sysctl.conf" // read last by sysctl --system
	for _, name := range sortedKeys(files) {
		for _, line := range assignments(h.text(files[name])) {
			k, v, _ := strings.Cut(line, " = ")
			if strings.TrimPrefix(k, "-") == key && v != wanted {
				warnings = append(warnings, fmt.Sprintf("%s sets %s to %s, and is read later: at the next start that holds", files[name], key, v))
			}
		}
	}
	return warnings
}

func sortedKeys(m map[string]string) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
