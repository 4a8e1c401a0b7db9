package main

import (
	"fmt"
	"io"
	"strings"
)

func (b *boot) String() string { return b.kernel.name + " " + b.circumstances }

// row is the form of a line of the table.
const row = "%-4s %-27s %-34s %-9s %6v %8v\n"

func heading(out io.Writer) {
	fmt.Fprintf(out, row, "", "kernel", "circumstances", "engine", "tests", "seconds")
}

// tell prints a boot's row, the reason for its engine, and the seconds of each program. A boot that was not as expected
// is told with everything it has printed. It returns how many tests have passed, and whether all was well.
func tell(out io.Writer, b *boot, r *result, verbose bool) (passed int, ok bool) {
	c, passed, problems := judge(b, r)
	verdict := "ok"
	if len(problems) > 0 {
		verdict = "FAIL"
	}
	if len(problems) > 0 || verbose {
		fmt.Fprintf(out, "--- console of %s:\n%s\n--- end of the console\n", b, strings.TrimSpace(r.console))
	}
	fmt.Fprintf(out, row, verdict, r.release, b.circumstances, c.engine, passed, fmt.Sprintf("%.1f", r.seconds))
	if c.reason != "" {
		fmt.Fprintf(out, "     %s\n", c.reason)
	}
	var parts []string
	for _, o := range r.outcomes {
		parts = append(parts, fmt.Sprintf("%s %.1f s", o.Program, o.Seconds))
	}
	if len(parts) > 0 {
		fmt.Fprintf(out, "     %s\n", strings.Join(parts, ", "))
	}
	for _, p := range problems {
		fmt.Fprintf(out, "     %s\n", strings.ReplaceAll(p, "\n", "\n     "))
	}
	return passed, len(problems) == 0
}
