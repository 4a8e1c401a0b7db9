// Command report reads the event stream of `go test -json` and prints what a person wants to see of it: a line for each
// package, the output of what failed, and at the end which tests ran on which engine, and once more what failed, for
// whoever sees only the last lines. It exits with 1 if a test failed or if none ran.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

// event is one line of the stream; see `go doc test2json`.
type event struct {
	Action  string
	Package string
	Test    string
	Output  string
	Elapsed float64
}

// engines are the names that subtests on real event loops have.
var engines = []string{"io_uring", "epoll"}

// lastLines is how much of what a failed test said is said again at the end.
const lastLines = 50

type report struct {
	output map[string][]string          // of the tests under way, by package and test
	ran    map[string]map[string]string // by test, then engine: how it ended
	faults []string                     // what failed tests said, in their order
	passed int
	failed int
}

func main() {
	r := &report{output: map[string][]string{}, ran: map[string]map[string]string{}}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var e event
		if json.Unmarshal(lines.Bytes(), &e) != nil {
			fmt.Println(lines.Text()) // what the compiler says comes as it is
			continue
		}
		r.take(&e)
	}
	r.engines()
	fmt.Print(strings.Join(r.faults, ""))
	fmt.Printf("%d passed, %d failed\n", r.passed, r.failed)
	if lines.Err() != nil || r.failed > 0 || r.passed == 0 {
		os.Exit(1)
	}
}

func (r *report) take(e *event) {
	key := e.Package + " " + e.Test
	switch e.Action {
	case "output", "build-output":
		if e.Test == "" {
			r.packageLine(e.Output)
		} else {
			r.output[key] = append(r.output[key], e.Output)
		}
	case "pass", "fail", "skip":
		r.end(e, key)
	case "build-fail":
		r.failed++
	}
}

// packageLine prints what a package says of itself, but not the bare verdict that its "ok" line repeats.
func (r *report) packageLine(s string) {
	if s != "PASS\n" && !strings.HasPrefix(s, "testing: warning") {
		fmt.Print(s)
	}
}

func (r *report) end(e *event, key string) {
	out := r.output[key]
	delete(r.output, key)
	if e.Action == "fail" {
		fmt.Print(strings.Join(out, ""))
		r.faults = append(r.faults, "FAILED "+key+"\n")
		r.faults = append(r.faults, out[max(0, len(out)-lastLines):]...)
	}
	if e.Test == "" {
		if e.Action == "fail" {
			r.failed++
		}
		return
	}
	if e.Action == "skip" {
		// A skipped test is a requirement nobody looks at.
		fmt.Printf("SKIPPED %s\n", key)
		r.faults = append(r.faults, "SKIPPED "+key+"\n")
		r.failed++
		return
	}
	if e.Action == "pass" {
		r.passed++
	} else {
		r.failed++
	}
	r.note(e)
}

// note remembers on which engine a test ran: the part of its name that is an engine's.
func (r *report) note(e *event) {
	parts := strings.Split(e.Test, "/")
	i := slices.IndexFunc(parts, func(p string) bool { return slices.Contains(engines, p) })
	if i < 0 || i != len(parts)-1 {
		return
	}
	name := strings.TrimPrefix(e.Package, "github.com/anygate/anygate/") + " " + strings.Join(parts[:i], "/")
	if r.ran[name] == nil {
		r.ran[name] = map[string]string{}
	}
	r.ran[name][parts[i]] = fmt.Sprintf("%s in %v", e.Action, time.Duration(e.Elapsed*float64(time.Second)).Round(10*time.Millisecond))
}

// engines prints, for each test that runs on real event loops, how it ended on which.
func (r *report) engines() {
	if len(r.ran) == 0 {
		return
	}
	names := make([]string, 0, len(r.ran))
	width := 0
	for name := range r.ran {
		names = append(names, name)
		width = max(width, len(name))
	}
	slices.Sort(names)
	fmt.Println("\nTests by engine:")
	for _, name := range names {
		fmt.Printf("  %-*s", width, name)
		for _, engine := range engines {
			how := r.ran[name][engine]
			if how == "" {
				how = "did not run"
			}
			fmt.Printf("  %s %-14s", engine, how)
		}
		fmt.Println()
	}
	fmt.Println()
}
