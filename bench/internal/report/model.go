package report

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/anygate/anygate/bench/internal/generate"
	"github.com/anygate/anygate/bench/internal/stats"
)

// format is raised when a change makes older records unreadable.
const format = 1

// Report is the record of a run.
type Report struct {
	Format      int         `json:"format"`
	Environment Environment `json:"environment"`
	Settings    Settings    `json:"settings"`
	Peers       []Peer      `json:"peers"`
	Scenarios   []*Scenario `json:"scenarios"`
}

// Environment is where and when the run took place.
type Environment struct {
	Started  time.Time `json:"started"`
	Finished time.Time `json:"finished"`
	Command  []string  `json:"command"`
	Commit   string    `json:"commit"`
	Kernel   string    `json:"kernel"`
	CPU      string    `json:"cpu"`
	CPUs     int       `json:"cpus"`
	Memory   string    `json:"memory"`
	Go       string    `json:"go"`
	Wrk      string    `json:"wrk"`
	H2load   string    `json:"h2load,omitempty"`
	// LoadBefore and LoadAfter are the system's load averages: a neighbour's work shows in them.
	LoadBefore string `json:"load_before"`
	LoadAfter  string `json:"load_after"`
}

// Settings is how the run was made.
type Settings struct {
	Rounds     int           `json:"rounds"`
	Duration   time.Duration `json:"duration_ns"`
	ServerCPUs string        `json:"server_cpus"`
	LoadCPUs   string        `json:"load_cpus"`
	// Reference is the peer that ratios are taken to.
	Reference string `json:"reference"`
}

// Peer is a server of the run.
type Peer struct {
	Name    string `json:"name"`
	About   string `json:"about"`
	Version string `json:"version"`
	// Missing says why it did not take part.
	Missing string `json:"missing,omitempty"`
}

// Scenario is a load and what each peer made of it.
type Scenario struct {
	Name    string   `json:"name"`
	Title   string   `json:"title"`
	About   string   `json:"about"`
	Lead    Metric   `json:"lead"`
	Columns []Metric `json:"columns"`
	Entries []*Entry `json:"entries"`
	// Skipped says why, if no peer took part.
	Skipped string `json:"skipped,omitempty"`
}

// Entry is one peer's row of a scenario.
type Entry struct {
	Peer   string   `json:"peer"`
	Rounds []Sample `json:"rounds"`
	// Summary of each figure over the rounds.
	Summary map[Metric]stats.Summary `json:"summary,omitempty"`
	// Ratio of the leading figure to that of the reference peer.
	Ratio *stats.Ratio `json:"ratio,omitempty"`
	// ToFloor is its ratio to that of the floor.
	ToFloor *stats.Ratio `json:"to_floor,omitempty"`
	// Failures and faults of all rounds: a row with any is marked, its figures are not to be trusted.
	Failures generate.Failures `json:"failures"`
	Faults   []string          `json:"faults,omitempty"`
	// Disturbed counts the rounds that something outside the server has disturbed, Disturbance says how the last one was.
	Disturbed   int    `json:"disturbed,omitempty"`
	Disturbance string `json:"disturbance,omitempty"`
}

// Sample is one round of one peer.
type Sample struct {
	Round    int                `json:"round"`
	Figures  map[Metric]float64 `json:"figures"`
	Failures generate.Failures  `json:"failures"`
	// Faults are findings about the server that make its figures worthless: it died, or its answers were too short.
	Faults []string `json:"faults,omitempty"`
	// Disturbance is what the machine did to this round: a hypervisor or a neighbour took time, a generator was late.
	Disturbance string `json:"disturbance,omitempty"`
}

// New returns an empty report.
func New(environment Environment, settings Settings) *Report {
	return &Report{Format: format, Environment: environment, Settings: settings}
}

// Floor is the name of the peer that is no server.
const Floor = "floor"

// Add files a sample under its peer.
func (s *Scenario) Add(peer string, sample Sample) {
	entry := s.Entry(peer)
	if entry == nil {
		entry = &Entry{Peer: peer}
		s.Entries = append(s.Entries, entry)
	}
	entry.Rounds = append(entry.Rounds, sample)
}

// Fault files the reason for which a peer's round brought no sample.
func (s *Scenario) Fault(peer string, round int, err error) {
	s.Add(peer, Sample{Round: round, Faults: []string{err.Error()}})
}

// Entry returns a peer's row, nil if it has none.
func (s *Scenario) Entry(peer string) *Entry {
	i := slices.IndexFunc(s.Entries, func(e *Entry) bool { return e.Peer == peer })
	if i < 0 {
		return nil
	}
	return s.Entries[i]
}

// Summarise computes medians, spreads and ratios from the rounds.
func (s *Scenario) Summarise(reference string) {
	base, floor := s.Entry(reference), s.Entry(Floor)
	for _, entry := range s.Entries {
		entry.summarise()
		entry.Ratio = entry.ratio(base, s.Lead)
		entry.ToFloor = entry.ratio(floor, s.Lead)
	}
}

func (e *Entry) summarise() {
	rounds := make(map[Metric][]float64)
	e.Failures, e.Faults, e.Disturbed, e.Disturbance = generate.Failures{}, nil, 0, ""
	for _, sample := range e.Rounds {
		for metric, value := range sample.Figures {
			rounds[metric] = append(rounds[metric], value)
		}
		e.Failures = e.Failures.Add(sample.Failures)
		if sample.Disturbance != "" {
			e.Disturbed++
			e.Disturbance = sample.Disturbance
		}
		for _, fault := range sample.Faults {
			if !slices.Contains(e.Faults, fault) {
				e.Faults = append(e.Faults, fault)
			}
		}
	}
	e.Summary = make(map[Metric]stats.Summary, len(rounds))
	for metric, values := range rounds {
		e.Summary[metric] = stats.Summarise(values)
	}
}

func (e *Entry) ratio(base *Entry, metric Metric) *stats.Ratio {
	if base == nil {
		return nil
	}
	ratio, ok := stats.Compare(e.byRound(metric), base.byRound(metric))
	if !ok {
		return nil
	}
	return &ratio
}

func (e *Entry) byRound(metric Metric) map[int]float64 {
	values := make(map[int]float64, len(e.Rounds))
	for _, sample := range e.Rounds {
		if value, has := sample.Figures[metric]; has {
			values[sample.Round] = value
		}
	}
	return values
}

// Sound reports whether nothing went wrong in any round.
func (e *Entry) Sound() bool { return e.Failures.Sum() == 0 && len(e.Faults) == 0 }

// Scenario returns the scenario of that name, nil if it was not run.
func (r *Report) Scenario(name string) *Scenario {
	i := slices.IndexFunc(r.Scenarios, func(s *Scenario) bool { return s.Name == name })
	if i < 0 {
		return nil
	}
	return r.Scenarios[i]
}

// WriteJSON writes the record.
func (r *Report) WriteJSON(path string) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}

// ReadJSON reads a record.
func ReadJSON(path string) (*Report, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	report := new(Report)
	if err := json.Unmarshal(text, report); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if report.Format != format {
		return nil, fmt.Errorf("%s has format %d, this program reads %d", path, report.Format, format)
	}
	return report, nil
}
