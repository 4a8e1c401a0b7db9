package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"
)

//go:embed page.html
var page string

// WriteHTML writes the report as one page without outside references.
func (r *Report) WriteHTML(w io.Writer) error {
	parsed, err := template.New("page").Funcs(template.FuncMap{
		"bars":      bars,
		"latencies": latencies,
		"format":    Format,
		"percent":   percent,
		"kind":      Metric.Kind,
		"join":      func(parts []string) string { return strings.Join(parts, " ") },
		"shade":     shade,
		"rows":      tableRows,
		"heads":     (*Scenario).heads,
	}).Parse(page)
	if err != nil {
		return err
	}
	return parsed.Execute(w, r)
}

// Overview is the table of ratios: scenarios down, peers across.
func (r *Report) Overview() []OverviewRow {
	var rows []OverviewRow
	for _, scenario := range r.Scenarios {
		row := OverviewRow{Scenario: scenario}
		for _, peer := range r.Running() {
			cell := OverviewCell{}
			if entry := scenario.Entry(peer.Name); entry != nil {
				cell.Entry, cell.Present = entry, entry.Ratio != nil
			}
			row.Cells = append(row.Cells, cell)
		}
		rows = append(rows, row)
	}
	return rows
}

// OverviewRow is one scenario of the overview.
type OverviewRow struct {
	Scenario *Scenario
	Cells    []OverviewCell
}

// OverviewCell is one peer's ratio.
type OverviewCell struct {
	*Entry
	Present bool
}

// Running lists the peers that took part.
func (r *Report) Running() []Peer {
	var running []Peer
	for _, peer := range r.Peers {
		if peer.Missing == "" {
			running = append(running, peer)
		}
	}
	return running
}

// Figures lists the metrics of the report with their meanings.
func (r *Report) Figures() []Kind {
	var figures []Kind
	seen := make(map[Metric]bool)
	for _, scenario := range r.Scenarios {
		for _, metric := range append([]Metric{scenario.Lead}, scenario.Columns...) {
			if !seen[metric] {
				seen[metric] = true
				figures = append(figures, metric.Kind())
			}
		}
	}
	return figures
}

// shade colours a ratio: green below 1, red above, deeper the farther away.
func shade(ratio float64) template.CSS {
	const deepest = 45
	if ratio <= 1 {
		return template.CSS(fmt.Sprintf("background:color-mix(in srgb, var(--good) %.0f%%, transparent)", (1-ratio)*deepest*1.5))
	}
	return template.CSS(fmt.Sprintf("background:color-mix(in srgb, var(--bad) %.0f%%, transparent)", min(ratio-1, 1.5)/1.5*deepest))
}

// tableRows are the rows of a scenario's table, as Markdown shows them but for its emphasis.
func tableRows(s *Scenario) [][]string {
	rows := make([][]string, len(s.Entries))
	for i, entry := range s.Entries {
		rows[i] = entry.cells(s)
		rows[i][1] = strings.Trim(rows[i][1], "*")
		rows[i][len(rows[i])-1] = entry.trouble()
	}
	return rows
}
