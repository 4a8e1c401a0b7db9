package tuning

import (
	"fmt"
	"slices"
	"strings"
)

// State is what has become of a row.
type State string

// The states of a row.
const (
	// Fine is as wanted.
	Fine State = "fine"
	// Change is not as wanted.
	Change State = "change"
	// Reported has no wanted value, or one that is the operator's decision.
	Reported State = "report"
	// Absent is a setting that this host does not have.
	Absent State = "absent"
	// Skipped is a row whose condition does not hold.
	Skipped State = "skipped"
)

// Finding is a row, as this host has it.
type Finding struct {
	Key string `json:"key"`
	// Subject is the interface, where there are several.
	Subject string `json:"subject,omitempty"`
	State   State  `json:"state"`
	Value   string `json:"value"`
	Wanted  string `json:"wanted"`
	// Target is what apply would write, empty if it would not.
	Target string `json:"target,omitempty"`
	Risk   Risk   `json:"risk"`
	Reason string `json:"reason"`
	Source string `json:"source"`
	Cost   string `json:"cost,omitempty"`
	// Engine names what AnyGate sets itself.
	Engine string `json:"engine,omitempty"`
	// Command does it, where apply does not.
	Command string `json:"command,omitempty"`
	Note    string `json:"note,omitempty"`

	touches []string
	want    want
}

// Report is what Check finds.
type Report struct {
	Profile string `json:"profile"`
	// Container says why nothing can be written, empty if something can.
	Container string      `json:"container"`
	Config    string      `json:"config"`
	Host      HostSummary `json:"host"`
	Rows      []Finding   `json:"rows"`
	// Risk is up to which risk rows count for Todo.
	Risk Risk `json:"risk"`

	options Options
}

// Options are what Check and the others are told.
type Options struct {
	// Profile is a profile's name; empty is the one that fits.
	Profile string
	// Risk is up to which risk settings are wanted; empty is Safe.
	Risk    Risk
	Service Service
	// Skip are keys of rows that are left out, for good reasons that only the operator knows.
	Skip []string
}

// portRange is the one sysctl that is compared with the pools of upstreams.
const portRange = "net.ipv4.ip_local_port_range"

// Notes of rows without a value.
const (
	noKey      = "this kernel, or this network namespace, has no such setting"
	unreadable = "it cannot be read"
)

// Check compares a host with a profile.
func Check(h *Host, o Options) (*Report, error) {
	return checkWith(h, o, h.gather(o.Service))
}

func checkWith(h *Host, o Options, f *facts) (*Report, error) {
	r := &Report{Profile: o.Profile, Risk: o.Risk, Container: h.Container(), Config: o.Service.Config, Host: f.summary(), options: o}
	if r.Profile == "" {
		if r.Profile = DefaultProfile; r.Container != "" {
			r.Profile = ContainerProfile
		}
	}
	if r.Risk == "" {
		r.Risk = Safe
	}
	if r.Risk != Safe && r.Risk != Measure {
		return nil, fmt.Errorf("the risk is %s or %s; what is a danger is never applied", Safe, Measure)
	}
	p, err := LoadProfile(r.Profile)
	if err != nil {
		return nil, err
	}
	for _, key := range o.Skip {
		if err := knownKey(key); err != nil {
			return nil, err
		}
	}
	variables := f.variables(h)
	for _, row := range p.Rows {
		if slices.Contains(o.Skip, row.Key) {
			r.Rows = append(r.Rows, row.skipped("left out, as asked for"))
			continue
		}
		found, err := row.evaluate(h, f, variables)
		if err != nil {
			return nil, fmt.Errorf("profile %s: %s: %w", p.Name, row.Key, err)
		}
		r.Rows = append(r.Rows, found...)
	}
	return r, nil
}

// finding is a row before its value is read.
func (r Row) finding() Finding {
	return Finding{Key: r.Key, Risk: r.Risk, Reason: r.Reason, Source: r.Source, Cost: r.Cost, Engine: r.Engine, touches: r.Touches}
}

// skipped is a row whose value is not read.
func (r Row) skipped(why string) Finding {
	f := r.finding()
	f.State, f.Note = Skipped, why
	return f
}

// evaluate reads a row's values and compares them.
func (r Row) evaluate(h *Host, f *facts, variables map[string]string) ([]Finding, error) {
	if c := conditions[r.When]; c != nil && !c.holds(f) {
		return []Finding{r.skipped("matters only " + c.text)}, nil
	}
	base := r.finding()
	base.Reason = fill(r.Reason, variables)
	w, err := parseWant(fill(r.Want, variables))
	if err != nil {
		return nil, err
	}
	var values []value
	if r.Read == "" {
		v := readSysctl(h, r.Key)
		if r.Key == portRange {
			v.note = f.portNeed(v.text)
		}
		values = []value{v}
	} else {
		values = readings[r.Read](h, f)
	}
	var out []Finding
	for _, v := range values {
		found := base
		found.compare(h, r, w, v, variables)
		out = append(out, found)
	}
	return out, nil
}

func readSysctl(h *Host, key string) value {
	b, err := h.raw(sysctlPath(key))
	switch {
	case err != nil && h.exists(sysctlPath(key)):
		return value{absent: unreadable}
	case err != nil:
		return value{absent: noKey}
	}
	return value{text: strings.Join(strings.Fields(string(b)), " ")}
}

// compare fills in what one value makes of a row.
func (f *Finding) compare(h *Host, r Row, w want, v value, variables map[string]string) {
	f.Subject, f.Note, f.Value, f.want = v.subject, v.note, v.text, w
	if v.shown != "" {
		f.Value = v.shown
	}
	if v.absent != "" {
		f.State, f.Note = Absent, v.absent
		return
	}
	met := w.met(v.text)
	if f.Wanted = w.String(); w.text == wantComputed {
		met, f.Wanted = v.met, v.wanted
	}
	switch {
	case w.text == wantReport:
		f.State = Reported
		return
	case met:
		f.State = Fine
		return
	case r.Risk == Danger:
		f.State = Reported
	default:
		f.State = Change
	}
	if v.command != "" {
		f.Command = v.command
	} else if r.Command != "" {
		f.Command = fill(fill(r.Command, v.variables), variables)
	}
	if r.Read != "" || r.Risk == Danger {
		return
	}
	f.Target = w.target(v.text)
	f.obstacle(h, r)
}

// obstacle takes the target away from a sysctl that cannot be set, and says why.
func (f *Finding) obstacle(h *Host, r Row) {
	if r.Needs != "" && !slices.Contains(strings.Fields(h.text(sysctlPath(r.Needs))), f.Target) {
		f.Note = fmt.Sprintf("the kernel does not list %s now", f.Target)
		f.Target = ""
		switch {
		case r.Module != "" && h.hasModule(r.Module):
			// It could be loaded by writing the setting, and then revert would leave a module behind.
			f.Command = fmt.Sprintf("modprobe %s, echo %[1]s >/etc/modules-load.d/%[1]s.conf to keep it, and then apply", r.Module)
		case r.Module != "":
			f.Note += ": modprobe " + r.Module + ", and a line in /etc/modules-load.d to keep it"
			fallthrough
		default:
			f.State = Absent
		}
		return
	}
	if !h.writable(sysctlPath(r.Key)) {
		f.Target = ""
		f.Note = "it is read-only here: the host's, not this network namespace's"
		return
	}
	for _, key := range r.Touches {
		// What the host has not allowed, a namespace cannot choose.
		list := sysctlPath(key)
		if h.exists(list) && !h.writable(list) && !slices.Contains(strings.Fields(h.text(list)), f.Target) {
			f.Note = fmt.Sprintf("%s has to be in %s first, on the host: it is read-only in this network namespace", f.Target, key)
			f.Target = ""
			return
		}
	}
}

// Todo are the rows that are not as wanted, up to the report's risk; Measurable are those beyond it.
func (r *Report) Todo() (todo, measurable []Finding) {
	for _, f := range r.Rows {
		switch {
		case f.State != Change:
		case f.Risk.within(r.Risk):
			todo = append(todo, f)
		default:
			measurable = append(measurable, f)
		}
	}
	return todo, measurable
}
