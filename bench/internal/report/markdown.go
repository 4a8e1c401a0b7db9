package report

import (
	"fmt"
	"io"
	"strings"
)

// WriteMarkdown writes the whole report.
func (r *Report) WriteMarkdown(w io.Writer) error {
	var text strings.Builder
	fmt.Fprintf(&text, "# Benchmark of %s\n\n", r.Environment.Started.UTC().Format("2006-01-02 15:04 UTC"))
	r.environment(&text)
	r.peers(&text)
	r.legend(&text)
	for _, scenario := range r.Scenarios {
		text.WriteString("\n")
		scenario.markdown(&text, r.Settings.Reference)
	}
	_, err := io.WriteString(w, text.String())
	return err
}

func (r *Report) environment(w io.Writer) {
	e, s := r.Environment, r.Settings
	fmt.Fprintf(w, "| | |\n| --- | --- |\n")
	for _, row := range [][2]string{
		{"command", "`" + strings.Join(e.Command, " ") + "`"},
		{"commit", e.Commit},
		{"machine", fmt.Sprintf("%s, %d processors, %s", e.CPU, e.CPUs, e.Memory)},
		{"kernel", e.Kernel},
		{"Go", e.Go},
		{"wrk", e.Wrk},
		{"h2load", e.H2load},
		{"method", fmt.Sprintf("%d rounds, interleaved, %v each; server on processor %s, load and upstream on %s", s.Rounds, s.Duration, s.ServerCPUs, s.LoadCPUs)},
		{"load average", fmt.Sprintf("%s before, %s after", e.LoadBefore, e.LoadAfter)},
	} {
		fmt.Fprintf(w, "| %s | %s |\n", row[0], row[1])
	}
}

func (r *Report) peers(w io.Writer) {
	fmt.Fprintf(w, "\n| peer | version | how it is run |\n| --- | --- | --- |\n")
	for _, peer := range r.Peers {
		version := peer.Version
		if peer.Missing != "" {
			version = "not run: " + peer.Missing
		}
		fmt.Fprintf(w, "| %s | %s | %s |\n", peer.Name, cell(version), cell(peer.About))
	}
}

func (r *Report) legend(w io.Writer) {
	fmt.Fprintf(w, "\nFigures are medians of the rounds; ± is half the distance between the quartiles, relative. The ratio is that of the medians of the first figure to %s's, with the lowest and highest ratio of a single round in brackets. "+
		"A row marked ⚠ had failures or faults and proves nothing. A round is called disturbed when the hypervisor or a neighbour took processor time from the server or the generator.\n", r.Settings.Reference)
}

// Table writes one scenario, for a terminal or a page.
func (s *Scenario) Table(w io.Writer, reference string) error {
	var text strings.Builder
	s.markdown(&text, reference)
	_, err := io.WriteString(w, text.String())
	return err
}

func (s *Scenario) markdown(w io.Writer, reference string) {
	fmt.Fprintf(w, "## %s: %s\n\n%s\n\n", s.Name, s.Title, s.About)
	if len(s.Entries) == 0 {
		fmt.Fprintf(w, "Not run: %s\n", s.Skipped)
		return
	}
	heads := s.heads(reference)
	fmt.Fprintf(w, "| %s |\n|%s\n", strings.Join(heads, " | "), " --- |"+strings.Repeat(" ---: |", len(heads)-2)+" --- |")
	for _, entry := range s.Entries {
		fmt.Fprintf(w, "| %s |\n", strings.Join(entry.cells(s), " | "))
	}
}

// heads are the column titles of the scenario's table.
func (s *Scenario) heads(reference string) []string {
	heads := []string{"peer", s.Lead.Kind().Title, "±", "ratio to " + reference, "to floor"}
	for _, metric := range s.columns() {
		heads = append(heads, metric.Kind().Title)
	}
	return append(heads, "failures")
}

// columns are the figures beside the leading one.
func (s *Scenario) columns() []Metric {
	var columns []Metric
	for _, metric := range s.Columns {
		if metric != s.Lead {
			columns = append(columns, metric)
		}
	}
	return columns
}

func (e *Entry) cells(s *Scenario) []string {
	name := e.Peer
	if !e.Sound() {
		name += " ⚠"
	}
	cells := []string{name, "–", "–", "–", "–"}
	if lead, has := e.Summary[s.Lead]; has {
		cells[1] = "**" + Format(lead.Median) + "**"
		cells[2] = percent(lead.Spread)
	}
	if e.Ratio != nil {
		cells[3] = fmt.Sprintf("%.2f (%.2f–%.2f)", e.Ratio.OfMedians, e.Ratio.Low, e.Ratio.High)
	}
	if e.ToFloor != nil {
		cells[4] = fmt.Sprintf("%.2f", e.ToFloor.OfMedians)
	}
	for _, metric := range s.columns() {
		text := "–"
		if summary, has := e.Summary[metric]; has {
			text = Format(summary.Median)
		}
		cells = append(cells, text)
	}
	return append(cells, cell(e.trouble()))
}

// trouble describes what went wrong.
func (e *Entry) trouble() string {
	var parts []string
	if e.Failures.Sum() > 0 {
		parts = append(parts, e.Failures.String())
	}
	parts = append(parts, e.Faults...)
	if e.Disturbed > 0 {
		parts = append(parts, fmt.Sprintf("%d of %d rounds disturbed: %s", e.Disturbed, len(e.Rounds), e.Disturbance))
	}
	if len(parts) == 0 {
		return "none"
	}
	return strings.Join(parts, "; ")
}

func percent(fraction float64) string { return fmt.Sprintf("%.1f %%", fraction*100) }

// cell keeps text from breaking a table.
func cell(text string) string {
	return strings.NewReplacer("|", "\\|", "\n", " ").Replace(text)
}
