package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"
)

// Baseline is the last recorded state of the ratios that the guard defends.
type Baseline struct {
	Recorded  time.Time `json:"recorded"`
	Commit    string    `json:"commit"`
	Kernel    string    `json:"kernel"`
	CPU       string    `json:"cpu"`
	Reference string    `json:"reference"`
	Ratios    []Guarded `json:"ratios"`
}

// Guarded is one ratio to the reference peer.
type Guarded struct {
	Scenario string  `json:"scenario"`
	Peer     string  `json:"peer"`
	Metric   Metric  `json:"metric"`
	Ratio    float64 `json:"ratio"`
	Spread   float64 `json:"spread"`
}

// Breach is a ratio that has become worse by more than the noise.
type Breach struct {
	Guarded
	// Now is the ratio of this run, 0 if there is none.
	Now float64
	// Allowed is the worst ratio that noise explains.
	Allowed float64
	// Reason says what happened where there is no ratio.
	Reason string
}

// String is the line that the guard prints.
func (b Breach) String() string {
	if b.Reason != "" {
		return fmt.Sprintf("%s, %s: %s", b.Scenario, b.Peer, b.Reason)
	}
	return fmt.Sprintf("%s, %s: %s is %.3f of the reference's, recorded was %.3f, noise allows %.3f",
		b.Scenario, b.Peer, b.Metric.Kind().Title, b.Now, b.Ratio, b.Allowed)
}

// Only is the report without other scenarios than those named, and without other peers than the reference and those
// whose names begin with prefix.
func (r *Report) Only(scenarios []string, prefix string) *Report {
	out := *r
	out.Scenarios = nil
	for _, s := range r.Scenarios {
		if !slices.Contains(scenarios, s.Name) {
			continue
		}
		some := *s
		some.Entries = slices.DeleteFunc(slices.Clone(s.Entries), func(e *Entry) bool {
			return e.Peer != r.Settings.Reference && !strings.HasPrefix(e.Peer, prefix)
		})
		out.Scenarios = append(out.Scenarios, &some)
	}
	return &out
}

// NewBaseline records the ratios of a report. It refuses one with failures, which would be defended for ever, and one of
// a busy machine, whose ratios are anybody's.
func NewBaseline(r *Report) (*Baseline, error) {
	b := &Baseline{
		Recorded:  r.Environment.Finished,
		Commit:    r.Environment.Commit,
		Kernel:    r.Environment.Kernel,
		CPU:       r.Environment.CPU,
		Reference: r.Settings.Reference,
	}
	var unsound []string
	for _, scenario := range r.Scenarios {
		for _, entry := range scenario.Entries {
			if !entry.Sound() {
				unsound = append(unsound, fmt.Sprintf("%s, %s: %s", scenario.Name, entry.Peer, entry.trouble()))
			} else if 2*entry.Disturbed > len(entry.Rounds) {
				unsound = append(unsound, fmt.Sprintf("%s, %s: %d of %d rounds were disturbed: %s",
					scenario.Name, entry.Peer, entry.Disturbed, len(entry.Rounds), entry.Disturbance))
			} else if entry.Peer != r.Settings.Reference && entry.Ratio != nil {
				b.Ratios = append(b.Ratios, Guarded{scenario.Name, entry.Peer, scenario.Lead, entry.Ratio.OfMedians, entry.Ratio.Spread})
			}
		}
	}
	if len(unsound) > 0 {
		return nil, fmt.Errorf("not recorded, these prove nothing:\n%s", strings.Join(unsound, "\n"))
	}
	if len(b.Ratios) == 0 {
		return nil, errors.New("not recorded: the run holds no ratio to its reference")
	}
	return b, nil
}

// Check compares a run with the baseline. tolerance is the relative change that is never a breach; the spreads of both
// runs widen it.
func (b *Baseline) Check(r *Report, tolerance float64) []Breach {
	var breaches []Breach
	for _, guarded := range b.Ratios {
		if breach, broken := b.checkOne(r, guarded, tolerance); broken {
			breaches = append(breaches, breach)
		}
	}
	return breaches
}

func (b *Baseline) checkOne(r *Report, guarded Guarded, tolerance float64) (Breach, bool) {
	breach := Breach{Guarded: guarded}
	scenario := r.Scenario(guarded.Scenario)
	if scenario == nil || scenario.Entry(guarded.Peer) == nil {
		breach.Reason = "it was not measured"
		return breach, true
	}
	entry := scenario.Entry(guarded.Peer)
	if !entry.Sound() {
		breach.Reason = entry.trouble()
		return breach, true
	}
	if entry.Ratio == nil {
		breach.Reason = "there is no ratio to " + b.Reference
		return breach, true
	}
	noise := max(tolerance, guarded.Spread+entry.Ratio.Spread)
	breach.Now = entry.Ratio.OfMedians
	if guarded.Metric.Kind().MoreIsBetter {
		breach.Allowed = guarded.Ratio * (1 - noise)
		return breach, breach.Now < breach.Allowed
	}
	breach.Allowed = guarded.Ratio * (1 + noise)
	return breach, breach.Now > breach.Allowed
}

// Scenarios lists the scenarios of breaches, each once.
func Scenarios(breaches []Breach) []string {
	var names []string
	for _, breach := range breaches {
		if !slices.Contains(names, breach.Scenario) {
			names = append(names, breach.Scenario)
		}
	}
	return names
}

// Write writes the baseline.
func (b *Baseline) Write(path string) error {
	text, err := json.MarshalIndent(b, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}

// ReadBaseline reads the baseline.
func ReadBaseline(path string) (*Baseline, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s does not exist; record it on a quiet machine with: go run ./bench guard --record", path)
	}
	if err != nil {
		return nil, err
	}
	baseline := new(Baseline)
	if err := json.Unmarshal(text, baseline); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return baseline, nil
}
