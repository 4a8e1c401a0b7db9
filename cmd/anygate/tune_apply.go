package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/anygate/anygate/tuning"
)

// tuneApply shows what would change, asks, and changes it.
func tuneApply(t terminal, host *tuning.Host, o *tuneOptions, options tuning.Options) int {
	report, err := tuning.Check(host, options)
	if err != nil {
		return tuneFailed(t, err)
	}
	plan, err := tuning.NewPlan(host, report, o.state)
	if err != nil {
		return tuneFailed(t, asRoot(err))
	}
	outcome := func(applied bool, code int, words string) int {
		if o.asJSON {
			return o.answer(t, code, struct {
				*tuning.Plan
				State   string `json:"state"`
				Applied bool   `json:"applied"`
			}{plan, o.state, applied}, nil)
		}
		_, err := fmt.Fprintln(t.out, words)
		if printed(t, err) != exitOK {
			return tuneError
		}
		return code
	}
	if !o.asJSON {
		if err := plan.WriteText(t.out, o.style(t)); err != nil {
			return tuneFailed(t, fmt.Errorf("the answer cannot be written: %w", err))
		}
	}
	// What is to be done by hand was said, and is no failure: a script that applies goes on. It is check that insists.
	switch {
	case plan.Empty():
		return outcome(false, tuneFine, "nothing to write: every setting that apply sets is as the profile "+plan.Profile+" wants it")
	case plan.Container != "":
		return outcome(false, tuneTodo, "nothing is written inside a container, and this is one: "+plan.Container)
	case o.dry:
		return outcome(false, tuneTodo, "nothing was written (--dry-run)")
	}
	if os.Geteuid() != 0 {
		// Before the question, which would have been answered in vain.
		return tuneFailed(t, asRoot(fs.ErrPermission))
	}
	if !o.yes {
		agreed, err := ask(t, "\nWrite these settings? 'anygate tune revert' takes them back. [y/N] ")
		if err != nil {
			return tuneFailed(t, err)
		}
		if !agreed {
			return outcome(false, tuneTodo, "nothing was written")
		}
	}
	if err := tuning.Apply(host, plan, o.state); err != nil {
		return tuneFailed(t, asRoot(err))
	}
	words := fmt.Sprintf("written: %s; how it was is kept in %s", count(len(plan.Settings), "setting"), o.state)
	if slices.ContainsFunc(plan.Settings, func(s tuning.Setting) bool { return s.Key == "net.core.somaxconn" }) {
		// The kernel cuts a backlog down when it is asked for, and a reload and an upgrade go on with the sockets that are there.
		words += "\na listener keeps the queue that it was opened with: restart AnyGate if it runs"
	}
	return outcome(true, tuneFine, words)
}

// ask wants a y or yes. The end of the input is a no, and so is a signal: those of a terminal do not end the process by themselves.
func ask(t terminal, question string) (bool, error) {
	if _, err := fmt.Fprint(t.out, question); err != nil {
		return false, err
	}
	lines := make(chan string, 1)
	if t.in == nil {
		close(lines)
	} else {
		go func() {
			line, _ := bufio.NewReader(t.in).ReadString('\n')
			lines <- line
		}()
	}
	line := ""
	select {
	case line = <-lines:
	case <-t.heed():
	}
	if !strings.HasSuffix(line, "\n") {
		if _, err := fmt.Fprintln(t.out); err != nil {
			return false, err
		}
	}
	answer := strings.ToLower(strings.TrimSpace(line))
	return answer == "y" || answer == "yes", nil
}

// tuneRevert puts everything back as it was before the first apply.
func tuneRevert(t terminal, host *tuning.Host, o *tuneOptions) int {
	back, err := tuning.Revert(host, o.state, o.dry)
	if errors.Is(err, tuning.ErrNothing) {
		back, err = &tuning.Reverted{Settings: []tuning.Setting{}, Warnings: []string{err.Error()}}, nil
		if !o.asJSON {
			_, err := fmt.Fprintf(t.out, "%s\n", back.Warnings[0])
			if printed(t, err) != exitOK {
				return tuneError
			}
			return tuneFine
		}
	}
	if err != nil {
		return tuneFailed(t, asRoot(err))
	}
	code := tuneFine
	if o.dry && back.File != "" {
		code = tuneTodo
	}
	if code := o.answer(t, code, back, back.WriteText); code != tuneFine || o.asJSON {
		return code
	}
	_, err = fmt.Fprintln(t.out, "everything is as it was before 'anygate tune apply'")
	if printed(t, err) != exitOK {
		return tuneError
	}
	return tuneFine
}

// tuneVerify asks the kernel's counters, since the start of the host or while it waits.
func tuneVerify(t terminal, host *tuning.Host, o *tuneOptions, options tuning.Options) int {
	var wait func() error
	watched := ""
	if o.watch > 0 {
		watched = o.watch.String()
		wait = func() error {
			ctx, stop := untilSignal(t)
			defer stop()
			ctx, cancel := context.WithTimeout(ctx, o.watch)
			defer cancel()
			<-ctx.Done()
			if errors.Is(ctx.Err(), context.Canceled) {
				return errors.New("interrupted before the time was over")
			}
			return nil
		}
	}
	evidence, err := tuning.Verify(host, options, watched, wait)
	if err != nil {
		return tuneFailed(t, err)
	}
	code := tuneFine
	if evidence.Found() {
		code = tuneTodo
	}
	return o.answer(t, code, evidence, evidence.WriteText)
}

// asRoot says what to do about an error that others do not have.
func asRoot(err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("%w; settings of the host are root's to write (sudo), and --dry-run only shows them", err)
	}
	return err
}
