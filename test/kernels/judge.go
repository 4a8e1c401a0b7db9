package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/anygate/anygate/test/kernels/order"
)

// choice is what `anygate version` says of the engine.
type choice struct {
	engine string
	setUp  string // the flags of the ring
	lacks  string // the features it does without
	// reason is all that is said.
	reason string
}

// readChoice finds the line of the engine. Its form is a promise to people only, so that this is the one place to change.
func readChoice(version string) (c choice, err error) {
	for line := range strings.Lines(version) {
		said, ok := strings.CutPrefix(line, "engine")
		if !ok {
			continue
		}
		said = strings.TrimSpace(said)
		if because, ok := strings.CutPrefix(said, "epoll, because "); ok {
			return choice{engine: "epoll", reason: because}, nil
		}
		features, ok := strings.CutPrefix(said, "io_uring: ")
		if !ok {
			break
		}
		c = choice{engine: "io_uring", reason: features}
		_, rest, _ := strings.Cut(features, ", set-up ")
		c.setUp, rest, _ = strings.Cut(rest, ", has ")
		_, c.lacks, _ = strings.Cut(rest, ", lacks ")
		return c, nil
	}
	return c, fmt.Errorf("the version names no engine:\n%s", version)
}

// judge returns the choice that was made, how many tests have passed, and everything that is not as expected.
func judge(b *boot, r *result) (c choice, passed int, problems []string) {
	problem := func(format string, arguments ...any) { problems = append(problems, fmt.Sprintf(format, arguments...)) }
	if r.trouble != nil {
		problem("%v", r.trouble)
	}
	if !strings.HasPrefix(r.release, b.kernel.name+".") {
		problem("the kernel is %q, not a %s", r.release, b.kernel.name)
	}
	for _, p := range b.programs {
		i := slices.IndexFunc(r.outcomes, func(o order.Outcome) bool { return o.Program == p.Name })
		if i < 0 {
			problem("%s has not ended", p.Name)
			continue
		}
		o := r.outcomes[i]
		passed += o.Passed
		if o.Code != 0 {
			problem("%s has ended with code %d", p.Name, o.Code)
		}
		if len(o.Failed) > 0 {
			problem("%s failed: %s", p.Name, strings.Join(o.Failed, ", "))
		}
		if len(o.Skipped) > 0 {
			problem("%s skipped: %s", p.Name, strings.Join(o.Skipped, ", "))
		}
		if p.Test && o.Passed == 0 {
			problem("%s has run no test", p.Name)
		}
		if p.Name == versionName {
			var err error
			if c, err = readChoice(o.Output); err != nil {
				problem("%v", err)
			} else {
				problems = append(problems, b.expect.differences(c)...)
			}
		}
	}
	return c, passed, problems
}

// differences lists what is not as expected of the choice.
func (e expectation) differences(c choice) (list []string) {
	for _, d := range []struct{ what, got, want string }{
		{"the engine is", c.engine, e.engine},
		{"the ring's set-up is", c.setUp, e.setUp},
		{"the ring lacks", c.lacks, e.lacks},
	} {
		if d.got != d.want {
			list = append(list, fmt.Sprintf("%s %q, want %q", d.what, d.got, d.want))
		}
	}
	if !strings.Contains(c.reason, e.because) {
		list = append(list, fmt.Sprintf("the reason is %q, want %q", c.reason, e.because))
	}
	return list
}
