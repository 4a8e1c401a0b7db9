package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"strings"
	"time"

	"github.com/anygate/anygate/pack"
)

// packSite writes the compressed forms of a site's files beside them.
func packSite(t terminal, args []string) int {
	var o pack.Options
	var level string
	var asJSON bool
	words, err := parse(t, "pack", args, 1, func(f *flag.FlagSet) {
		f.BoolVar(&o.Check, "check", false, "change nothing; exit 1 if anything is missing or stale")
		f.StringVar(&level, "level", "", "how much time to take; best unless another is named")
		f.IntVar(&o.Jobs, "jobs", 0, "how many files at a time; one for each processor unless said")
		f.BoolVar(&asJSON, "json", false, "print for machines")
	})
	switch {
	case err != nil:
		return exitOf(err)
	case len(words) == 0:
		fmt.Fprintln(t.err, "anygate pack: name the directory of the site, such as ./dist")
		return exitUsage
	case level != "" && level != "fast" && level != "good" && level != "best":
		fmt.Fprintf(t.err, "anygate pack: there is no level %q: it is fast, good or best\n", level)
		return exitUsage
	case o.Jobs < 0:
		fmt.Fprintf(t.err, "anygate pack: %d files at a time are too few\n", o.Jobs)
		return exitUsage
	}
	o.Root, o.Level = words[0], pack.Level(level)
	bar := pack.NewBar(t.err)
	o.Progress = bar.Draw
	ctx, stop := untilSignal(t)
	defer stop()
	began := time.Now()
	sum, err := pack.Run(ctx, o)
	bar.Close()
	if errors.Is(err, context.Canceled) {
		err = errors.New("interrupted: what is written so far is complete, and pack goes on from there")
	}
	if asJSON && sum != nil {
		if code := printed(t, printSummary(t, sum, err == nil && len(sum.Problems) == 0)); code != exitOK {
			return code
		}
	}
	if err != nil {
		return failed(t, err)
	}
	if !asJSON {
		if code := printed(t, describe(t, o, sum, time.Since(began))); code != exitOK {
			return code
		}
	}
	if len(sum.Problems) > 0 {
		return exitFailure
	}
	return exitOK
}

// untilSignal is a context that a signal ends.
func untilSignal(t terminal) (context.Context, func()) {
	ctx, cancel := context.WithCancel(context.Background())
	signals := t.heed()
	go func() {
		select {
		case <-signals:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}

// printSummary prints one object: ok, and the members of pack.Summary.
func printSummary(t terminal, sum *pack.Summary, ok bool) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(struct {
		OK bool `json:"ok"`
		*pack.Summary
	}{ok, sum}); err != nil {
		return err
	}
	_, err := t.out.Write(b.Bytes())
	return err
}

// describe prints what was done, or what Check found, for people.
func describe(t terminal, o pack.Options, sum *pack.Summary, took time.Duration) error {
	var b strings.Builder
	for _, p := range sum.Problems {
		fmt.Fprintln(&b, p)
	}
	fmt.Fprintf(&b, "%s: %s worth coding, %s", o.Root, plural(sum.Files, "file"), megabytes(sum.Bytes))
	for _, c := range []string{"br", "zstd", "gzip"} {
		if sum.Bytes > 0 && len(sum.Problems) == 0 {
			fmt.Fprintf(&b, ", %s %d%%", c, (100*sum.Forms[c]+sum.Bytes/2)/sum.Bytes)
		}
	}
	switch {
	case !o.Check:
		fmt.Fprintf(&b, "; forms written: %d, kept: %d, removed: %d (%.1fs)\n", sum.Written, sum.Kept+sum.Foreign, sum.Removed, took.Seconds())
	case len(sum.Problems) > 0:
		fmt.Fprintf(&b, "; %s: run \"anygate pack %s\"\n", plural(len(sum.Problems), "problem"), o.Root)
	default:
		fmt.Fprintln(&b, "; nothing is missing or stale")
	}
	_, err := t.out.Write([]byte(b.String()))
	return err
}

// plural writes a number with its noun.
func plural(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}

// megabytes writes a size for people.
func megabytes(n int64) string {
	if n < 1<<20 {
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
}
