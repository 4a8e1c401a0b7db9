package report

import (
	"fmt"
	"io"
	"math"
)

// leastNoise is what two runs of one program differ by on a quiet machine, whatever their spreads say.
const leastNoise = 0.02

// Change is what became of one peer in one scenario between two runs.
type Change struct {
	Scenario, Peer string
	Metric         Metric
	// Before and After are the medians, BeforeRatio and AfterRatio those relative to the reference peer, 0 if there are
	// none.
	Before, After, BeforeRatio, AfterRatio float64
	// Relative is the change of the ratio, or of the median where there is no ratio: 0.1 is 10 % more.
	Relative float64
	// Noise is what the spreads of the two runs allow for.
	Noise   float64
	Verdict Verdict
}

// Verdict judges a change.
type Verdict string

// The verdicts there are.
const (
	Same    Verdict = "within noise"
	Better  Verdict = "better"
	Worse   Verdict = "WORSE"
	Unsound Verdict = "failures, no verdict"
)

// Changes lists what both reports hold.
func Changes(before, after *Report) []Change {
	var changes []Change
	for _, scenario := range after.Scenarios {
		earlier := before.Scenario(scenario.Name)
		if earlier == nil || earlier.Lead != scenario.Lead {
			continue
		}
		for _, entry := range scenario.Entries {
			old := earlier.Entry(entry.Peer)
			if old == nil {
				continue
			}
			changes = append(changes, change(scenario, old, entry, before.Settings.Reference == after.Settings.Reference))
		}
	}
	return changes
}

func change(scenario *Scenario, old, entry *Entry, sameReference bool) Change {
	a, b := old.Summary[scenario.Lead], entry.Summary[scenario.Lead]
	c := Change{
		Scenario: scenario.Name, Peer: entry.Peer, Metric: scenario.Lead,
		Before: a.Median, After: b.Median,
		Relative: b.Median/a.Median - 1,
		Noise:    max(leastNoise, a.Spread+b.Spread),
	}
	if sameReference && old.Ratio != nil && entry.Ratio != nil {
		c.BeforeRatio, c.AfterRatio = old.Ratio.OfMedians, entry.Ratio.OfMedians
		// The reference's own ratio is 1 by definition: its change would be hidden.
		if c.BeforeRatio != 1 || c.AfterRatio != 1 {
			c.Relative = c.AfterRatio/c.BeforeRatio - 1
			c.Noise = max(leastNoise, old.Ratio.Spread+entry.Ratio.Spread)
		}
	}
	c.Verdict = judge(scenario.Lead, c)
	if !old.Sound() || !entry.Sound() || a.Rounds == 0 || b.Rounds == 0 {
		c.Verdict = Unsound
	}
	return c
}

func judge(metric Metric, c Change) Verdict {
	kind := metric.Kind()
	switch {
	case math.Abs(c.Relative) <= c.Noise || math.Abs(c.After-c.Before) < kind.Floor && c.BeforeRatio == 0:
		return Same
	case c.Relative > 0 == kind.MoreIsBetter:
		return Better
	default:
		return Worse
	}
}

// WriteChanges writes the comparison as a Markdown table.
func WriteChanges(w io.Writer, changes []Change) error {
	_, err := fmt.Fprintf(w, "| scenario | peer | figure | before | after | ratio before | ratio after | change | noise | verdict |\n"+
		"| --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |\n")
	for _, c := range changes {
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(w, "| %s | %s | %s | %s | %s | %s | %s | %+.1f %% | %.1f %% | %s |\n", c.Scenario, c.Peer, c.Metric.Kind().Title,
			Format(c.Before), Format(c.After), ratioCell(c.BeforeRatio), ratioCell(c.AfterRatio), c.Relative*100, c.Noise*100, c.Verdict)
	}
	return err
}

func ratioCell(ratio float64) string {
	if ratio == 0 {
		return "–"
	}
	return fmt.Sprintf("%.3f", ratio)
}
