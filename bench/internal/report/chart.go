package report

import (
	"fmt"
	"html/template"
	"math"
	"strings"

	"github.com/anygate/anygate/bench/internal/stats"
)

// A chart is drawn on a grid of pixels of the SVG's own coordinate system, which the page scales to its width.
const (
	chartWidth = 860
	labelWidth = 150
	valueWidth = 120
	rowHeight  = 26
	barHeight  = 16
	axisHeight = 22
	plotWidth  = chartWidth - labelWidth - valueWidth
)

// bars draws a metric as one bar per peer, with a whisker from the lowest to the highest round.
func bars(s *Scenario, metric Metric) template.HTML {
	var entries []*Entry
	highest := 0.0
	for _, entry := range s.Entries {
		if summary, has := entry.Summary[metric]; has {
			entries = append(entries, entry)
			highest = max(highest, summary.High)
		}
	}
	if len(entries) == 0 || highest <= 0 {
		return ""
	}
	// One outlier must not flatten all the others: bars beyond four times the median peer are cut, and say so.
	limit := min(highest, 4*medianOf(entries, metric))
	x := func(value float64) float64 { return labelWidth + plotWidth*min(value/limit, 1) }

	var svg strings.Builder
	height := len(entries)*rowHeight + axisHeight
	open(&svg, height, metric.Kind().Title+" by peer")
	grid(&svg, linearTicks(limit), x, height-axisHeight, Format)
	for i, entry := range entries {
		summary := entry.Summary[metric]
		middle := float64(i*rowHeight + rowHeight/2)
		label(&svg, entry, middle)
		fmt.Fprintf(&svg, `<rect class="%s" x="%d" y="%.1f" width="%.1f" height="%d" rx="2"/>`,
			class(entry), labelWidth, middle-barHeight/2, x(summary.Median)-labelWidth, barHeight)
		if summary.Median > limit {
			fmt.Fprintf(&svg, `<path class="cut" d="M%.1f %.1fl6 -%d"/>`, x(limit)-16, middle+barHeight/2, barHeight)
		} else if summary.High > summary.Low {
			fmt.Fprintf(&svg, `<path class="whisker" d="M%.1f %.1fH%.1f"/>`, x(summary.Low), middle, x(summary.High))
		}
		fmt.Fprintf(&svg, `<text class="value" x="%d" y="%.1f">%s ±%.1f %%</text>`,
			chartWidth-valueWidth+10, middle+4, Format(summary.Median), summary.Spread*100)
	}
	svg.WriteString("</svg>")
	return template.HTML(svg.String())
}

// latencies draws the percentiles of each peer as dots on a logarithmic axis.
func latencies(s *Scenario) template.HTML {
	percentiles := []Metric{P50, P90, P99, P999}
	low, high := math.Inf(1), 0.0
	var entries []*Entry
	for _, entry := range s.Entries {
		if entry.Summary[P50].Median <= 0 {
			continue
		}
		entries = append(entries, entry)
		for _, metric := range percentiles {
			if value := entry.Summary[metric].Median; value > 0 {
				low, high = min(low, value), max(high, value)
			}
		}
	}
	if len(entries) == 0 {
		return ""
	}
	first, last := math.Floor(math.Log10(low)), math.Ceil(math.Log10(high))
	last = max(last, first+1)
	x := func(value float64) float64 {
		return labelWidth + plotWidth*(math.Log10(value)-first)/(last-first)
	}
	var ticks []float64
	for power := first; power <= last; power++ {
		ticks = append(ticks, math.Pow(10, power))
	}

	var svg strings.Builder
	height := len(entries)*rowHeight + axisHeight
	open(&svg, height, "latency percentiles by peer")
	grid(&svg, ticks, x, height-axisHeight, duration)
	for i, entry := range entries {
		middle := float64(i*rowHeight + rowHeight/2)
		label(&svg, entry, middle)
		from, to := x(entry.Summary[P50].Median), x(entry.Summary[P50].Median)
		for _, metric := range percentiles {
			if value := entry.Summary[metric].Median; value > 0 {
				to = max(to, x(value))
			}
		}
		fmt.Fprintf(&svg, `<path class="range" d="M%.1f %.1fH%.1f"/>`, from, middle, to)
		for rank, metric := range percentiles {
			if value := entry.Summary[metric].Median; value > 0 {
				fmt.Fprintf(&svg, `<circle class="dot%d" cx="%.1f" cy="%.1f" r="5"><title>%s %s</title></circle>`,
					rank, x(value), middle, metric.Kind().Title, Format(value))
			}
		}
		fmt.Fprintf(&svg, `<text class="value" x="%d" y="%.1f">p99 %s</text>`, chartWidth-valueWidth+10, middle+4, duration(entry.Summary[P99].Median))
	}
	svg.WriteString("</svg>")
	return template.HTML(svg.String())
}

func open(svg *strings.Builder, height int, title string) {
	fmt.Fprintf(svg, `<svg viewBox="0 0 %d %d" role="img" aria-label="%s">`, chartWidth, height, template.HTMLEscapeString(title))
}

func grid(svg *strings.Builder, ticks []float64, x func(float64) float64, bottom int, text func(float64) string) {
	for _, tick := range ticks {
		fmt.Fprintf(svg, `<path class="grid" d="M%.1f 0V%d"/><text class="tick" x="%.1f" y="%d">%s</text>`,
			x(tick), bottom, x(tick), bottom+15, text(tick))
	}
}

func label(svg *strings.Builder, entry *Entry, middle float64) {
	mark := ""
	if !entry.Sound() {
		mark = " ⚠"
	}
	fmt.Fprintf(svg, `<text class="peer" x="%d" y="%.1f">%s%s</text>`, labelWidth-8, middle+4, template.HTMLEscapeString(entry.Peer), mark)
}

// class groups peers by colour: the product, the floor, and the others.
func class(entry *Entry) string {
	switch {
	case !entry.Sound():
		return "unsound"
	case strings.HasSuffix(entry.Peer, "-io_uring"):
		return "own"
	case strings.HasSuffix(entry.Peer, "-epoll"):
		return "own second"
	case entry.Peer == Floor:
		return "lowest"
	default:
		return "other"
	}
}

func medianOf(entries []*Entry, metric Metric) float64 {
	var rounds []float64
	for _, entry := range entries {
		rounds = append(rounds, entry.Summary[metric].Median)
	}
	return stats.Median(rounds)
}

// linearTicks returns round numbers from 0 to about limit.
func linearTicks(limit float64) []float64 {
	step := math.Pow(10, math.Floor(math.Log10(limit)))
	switch parts := limit / step; {
	case parts < 2:
		step /= 5
	case parts < 5:
		step /= 2
	}
	var ticks []float64
	for i := 0; float64(i)*step <= limit; i++ {
		ticks = append(ticks, float64(i)*step)
	}
	return ticks
}

// duration writes microseconds with a fitting unit.
func duration(microseconds float64) string {
	switch {
	case microseconds >= 1e6:
		return Format(microseconds/1e6) + " s"
	case microseconds >= 1000:
		return Format(microseconds/1000) + " ms"
	default:
		return Format(microseconds) + " µs"
	}
}
