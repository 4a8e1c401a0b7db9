package tuning

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Style is how text is written.
type Style struct {
	// Color is for terminals.
	Color bool
	// All shows what is fine, absent or does not matter, too.
	All bool
	// Sudo is for users who are not root, and are told of commands that only root may run.
	Sudo bool
	// Width is how many columns there are, 0 for as many as are wanted.
	Width int
}

// columns is how many columns text takes at the most, except for what cannot be broken.
const columns = 100

// width is the same for a terminal that may have fewer.
func (s Style) width() int {
	if s.Width > 0 {
		return min(s.Width, columns)
	}
	return columns
}

// The colours of a terminal.
const (
	plain  = "\x1b[0m"
	bold   = "\x1b[1m"
	red    = "\x1b[31m"
	green  = "\x1b[32m"
	yellow = "\x1b[33m"
	grey   = "\x1b[90m"
)

func (s Style) paint(color, text string) string {
	if !s.Color {
		return text
	}
	return color + text + plain
}

// The columns of a row.
const (
	markWidth = 8
	keyWidth  = 37
	riskWidth = 7
	indent    = markWidth + 1
	// minWidth is the least of the columns of values.
	minWidth = 8
)

// WriteText prints a report for people: the host, a table of rows, the verdict.
func (r *Report) WriteText(w io.Writer, s Style) error {
	var b strings.Builder
	r.heading(&b, s)
	hidden := 0
	first := true
	for _, f := range r.Rows {
		if !s.All && f.State != Change && f.State != Reported {
			hidden++
			continue
		}
		if first {
			fmt.Fprintf(&b, "\n%s\n", s.paint(bold, strings.TrimRight(s.cells("", "setting", "now", "wanted", "risk"), " ")))
			first = false
		}
		f.write(&b, s, r.Risk)
	}
	b.WriteByte('\n')
	r.verdict(&b, s, hidden)
	_, err := io.WriteString(w, b.String())
	return err
}

func (r *Report) heading(b *strings.Builder, s Style) {
	config := r.Config
	if config == "" {
		config = "none"
	}
	h := r.Host
	where := fmt.Sprintf("Linux %s, %s, %s", h.Kernel, count(h.Processors, "processor"), size(h.Memory))
	if h.Quota > 0 {
		possessive := "'"
		if h.Quota == 1 {
			possessive = "'s"
		}
		where += ", of that " + processors(h.Quota) + possessive + " time"
	}
	for _, line := range [][2]string{
		{"profile", r.Profile},
		{"host", where},
		{"network", orNone(strings.Join(h.Interfaces, ", "))},
		{"config", config},
		{"limits", "of " + h.Process},
		{"container", r.Container},
	} {
		if line[1] != "" {
			s.wrap(b, fmt.Sprintf("%-10s", line[0]), strings.Repeat(" ", 10), line[1])
		}
	}
}

func orNone(s string) string {
	if s == "" {
		return "none with hardware"
	}
	return s
}

// cells lines up a row. What is wider than its column pushes the others on.
func (s Style) cells(mark, key, now, want string, risk Risk) string {
	// The two columns of values share what the others leave, with a blank between each.
	each := max((s.width()-indent-keyWidth-riskWidth-3)/2, minWidth)
	return pad(mark, markWidth) + " " + pad(key, keyWidth) + " " + pad(now, each) + " " + pad(want, each) + " " + string(risk)
}

func pad(s string, n int) string {
	return s + strings.Repeat(" ", max(n-utf8.RuneCountInString(s), 0))
}

// marks are the words and colours of states.
var marks = map[State][2]string{
	Change:   {"change", yellow},
	Reported: {"report", grey},
	Fine:     {"fine", green},
	Absent:   {"absent", grey},
	Skipped:  {"skipped", grey},
}

func (f Finding) write(b *strings.Builder, s Style, most Risk) {
	mark, color := marks[f.State][0], marks[f.State][1]
	if f.State == Change && !f.Risk.within(most) {
		mark, color = "measure", bold
	}
	line := s.cells(mark, f.name(), dash(f.Value), dash(f.Wanted), f.Risk)
	wide := utf8.RuneCountInString(line) > s.width()
	if wide {
		line = pad(mark, markWidth) + " " + pad(f.name(), keyWidth) + " " + string(f.Risk)
	}
	b.WriteString(s.paint(color, line[:markWidth]) + strings.TrimRight(line[markWidth:], " ") + "\n")
	lead := strings.Repeat(" ", indent)
	if wide {
		s.wrap(b, lead, lead+"  ", "now "+dash(f.Value)+", wanted "+dash(f.Wanted))
	}
	if f.State == Reported && f.Wanted == "" && !s.All {
		return // nothing is asked of anybody
	}
	s.wrap(b, lead, lead, f.Reason)
	for _, more := range [][2]string{
		{"note: ", f.Note}, {"cost: ", f.Cost}, {"AnyGate sets itself: ", f.Engine}, {"do: ", f.Command}, {"source: ", f.Source},
	} {
		if more[1] != "" {
			s.wrap(b, lead, lead+"  ", more[0]+more[1])
		}
	}
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// wrap writes a text in lines of at most the width, the first behind one lead, the others behind another.
func (s Style) wrap(b *strings.Builder, first, lead, text string) {
	line, n := first, utf8.RuneCountInString(first)
	empty := true
	for word := range strings.FieldsSeq(text) {
		w := utf8.RuneCountInString(word)
		if !empty && n+1+w > s.width() {
			b.WriteString(line + "\n")
			line, n, empty = lead, utf8.RuneCountInString(lead), true
		}
		if !empty {
			line, n = line+" ", n+1
		}
		line, n, empty = line+word, n+w, false
	}
	b.WriteString(line + "\n")
}

// verdict says in a few lines what is to be done.
func (r *Report) verdict(b *strings.Builder, s Style, hidden int) {
	todo, measurable := r.Todo()
	written, manual := 0, 0
	for _, f := range todo {
		if f.Target != "" {
			written++
		} else {
			manual++
		}
	}
	var lines []string
	if len(todo) == 0 {
		lines = append(lines, s.paint(green, "Nothing has to be done."))
	}
	apply := "anygate tune apply " + r.arguments()
	if s.Sudo {
		apply = "sudo " + apply
	}
	switch {
	case written > 0 && r.Container != "":
		lines = append(lines, s.paint(yellow, count(written, "setting")+" should change")+": not from in here, because "+r.Container+
			"; set them where the container is started (docker run --sysctl, securityContext.sysctls), or on the host.")
	case written > 0:
		lines = append(lines, s.paint(yellow, count(written, "setting")+" should change")+": "+apply)
	}
	if manual > 0 {
		lines = append(lines, s.paint(yellow, count(manual, "setting")+" should change by other means")+": \"do\" says how.")
	}
	if len(measurable) > 0 {
		lines = append(lines, fmt.Sprintf("%s may help, and should be measured: --risk measure counts them in, and 'anygate tune verify --for 10s' under load says which of them the kernel has evidence for.", count(len(measurable), "other")))
	}
	if hidden > 0 {
		lines = append(lines, fmt.Sprintf("%s fine, absent or without meaning here: --all shows them.", isAre(hidden)))
	}
	for _, line := range lines {
		s.wrap(b, "", "  ", line)
	}
}

// arguments are the options that apply needs to come to the same result.
func (r *Report) arguments() string {
	list := []string{"--profile " + r.Profile}
	if r.Risk == Measure {
		list = append(list, "--risk measure")
	}
	if r.options.Service.Named {
		list = append(list, "-c "+r.Config)
	}
	for _, key := range r.options.Skip {
		list = append(list, "--skip "+key)
	}
	return strings.Join(list, " ")
}

func isAre(n int) string {
	if n == 1 {
		return "1 is"
	}
	return fmt.Sprintf("%d are", n)
}
