package pack

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/anygate/anygate/static/coding"
	"github.com/anygate/anygate/static/encoder"
)

// Level is how much time is spent: "fast", "good" or "best".
type Level string

// levels are the encoders' levels.
var levels = map[Level]encoder.Level{"fast": encoder.Fast, "good": encoder.Good, "best": encoder.Best}

// Options say what to pack, and how.
type Options struct {
	Root  string
	Level Level // "best" if empty; with Check, whichever it was
	Jobs  int   // how many files at a time; GOMAXPROCS if 0
	// Check changes nothing, and finds what Run would change.
	Check bool
	// Progress is told how far the work is. It may be nil.
	Progress func(Progress)
}

// Summary is what Run did, or with Check found.
type Summary struct {
	Files   int   `json:"files"`   // worth coding
	Skipped int   `json:"skipped"` // too small, too large, or compressed already
	Bytes   int64 `json:"bytes"`   // of the files worth coding

	// The forms.
	Written int `json:"written"`
	Kept    int `json:"kept"`    // as they should be; those that do not pay are counted, too
	Foreign int `json:"foreign"` // of another tool, and not older than their file
	Removed int `json:"removed"` // of files that are gone, or that do not pay any more

	// Forms is the length of all forms of a coding; a file without one counts in
	// full.
	Forms map[string]int64 `json:"forms"`

	// Problems is what Check found, by name.
	Problems []Problem `json:"problems"`
}

// Problem is a form that is not as it should be.
type Problem struct {
	Name string `json:"name"`
	What string `json:"what"` // "is missing", say
}

func (p Problem) String() string { return p.Name + " " + p.What }

// Run packs a directory. What it returns together with an error is what was done
// until then.
func Run(ctx context.Context, o Options) (*Summary, error) {
	if o.Level == "" && !o.Check {
		o.Level = "best"
	}
	if _, ok := levels[o.Level]; !ok && o.Level != "" {
		return nil, fmt.Errorf("there is no level %q: it is fast, good or best", o.Level)
	}
	if o.Jobs <= 0 {
		o.Jobs = runtime.GOMAXPROCS(0)
	}
	root, err := open(o.Root)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	if !o.Check {
		unlock, err := lock(root, o.Root)
		if err != nil {
			return nil, err
		}
		defer unlock()
	}
	r := &run{o: o, root: root, sum: &Summary{Forms: map[string]int64{}, Problems: []Problem{}}}
	if err := r.plan(ctx); err != nil {
		return r.sum, err
	}
	if o.Check {
		r.check()
		return r.sum, nil
	}
	err = r.work(ctx)
	// What was written is ours, however it ended.
	return r.sum, errors.Join(err, r.next.write(root))
}

// open opens the directory, below which everything stays.
func open(name string) (*os.Root, error) {
	info, err := os.Stat(name)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, fmt.Errorf("there is no directory %q", name)
	case err != nil:
		return nil, err
	case !info.IsDir():
		return nil, fmt.Errorf("%q is not a directory: pack takes the directory of a site, such as ./dist", name)
	}
	return os.OpenRoot(name)
}

// lock keeps a second run out of the directory. It ends with the process at the latest.
func lock(root *os.Root, name string) (unlock func(), err error) {
	d, err := root.Open(".")
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(d.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		d.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, fmt.Errorf("another anygate pack is at work in %q", name)
		}
		return nil, fmt.Errorf("%q cannot be locked: %w", name, err)
	}
	return func() { d.Close() }, nil
}

// run is one call of Run.
type run struct {
	o       Options
	root    *os.Root
	sum     *Summary
	known   *manifest
	next    *manifest
	plans   []*plan
	orphans []string
}

// plan finds out what is to be done.
func (r *run) plan(ctx context.Context) (err error) {
	if r.known, err = readManifest(r.root); err != nil {
		return err
	}
	sources, err := walk(r.root, r.o.Check, r.sum)
	if err != nil {
		return err
	}
	r.next = &manifest{Revision: encoder.Revision, Files: make(map[string]*record, len(sources))}
	present := make(map[string]bool, len(sources))
	r.plans = make([]*plan, len(sources))
	for i, s := range sources {
		r.plans[i] = &plan{source: s}
		present[s.name] = true
	}
	errs := make([]error, len(sources))
	parallel(ctx, r.o.Jobs, len(sources), func(_, i int) {
		p := r.plans[i]
		errs[i] = p.look(r.root, r.known.Files[p.name], r.o.Level)
	})
	if err := errors.Join(append(errs, ctx.Err())...); err != nil {
		return err
	}
	for _, p := range r.plans {
		r.sum.Files++
		r.sum.Bytes += p.size
		r.sum.Kept += p.kept
		r.sum.Foreign += p.foreign
		r.next.Files[p.name] = p.record
	}
	r.orphans = orphans(r.root, r.known, present)
	slices.Sort(r.orphans)
	return nil
}

// check collects what is not as it should be.
func (r *run) check() {
	for _, p := range r.plans {
		r.sum.Problems = append(r.sum.Problems, p.problems...)
	}
	for _, name := range r.orphans {
		r.sum.Problems = append(r.sum.Problems, Problem{name, "belongs to no file"})
	}
	slices.SortFunc(r.sum.Problems, func(a, b Problem) int { return cmp.Compare(a.Name, b.Name) })
	r.count()
}

// work does what was planned. After an error no further form is begun.
func (r *run) work(ctx context.Context) (err error) {
	for _, name := range r.orphans {
		if err := remove(r.root, name); err != nil {
			return err
		}
		r.sum.Removed++
	}
	for _, p := range r.plans {
		for _, c := range p.touch {
			if err := r.root.Chtimes(p.name+c.Suffix(), p.modified, p.modified); err != nil {
				return err
			}
		}
	}
	tasks, total := r.tasks()
	working, cancel := context.WithCancel(ctx)
	defer cancel()
	results := make(chan done)
	go func() {
		sets := make([]*encoder.Set, r.o.Jobs)
		parallel(working, r.o.Jobs, len(tasks), func(worker, i int) {
			if sets[worker] == nil {
				sets[worker] = encoder.NewSet(levels[r.o.Level])
			}
			results <- tasks[i].run(r.root, sets[worker])
		})
		close(results)
	}()
	progress := Progress{Forms: len(tasks), Work: total}
	r.report(progress)
	for d := range results {
		if d.err != nil {
			err = errors.Join(err, d.err)
			cancel()
			continue
		}
		d.plan.record.Forms[d.c.String()] = d.size
		d.plan.undone--
		if d.size > 0 {
			r.sum.Written++
		}
		if d.removed {
			r.sum.Removed++
		}
		progress.FormsDone++
		progress.WorkDone += d.cost()
		progress.Name = d.plan.name + d.c.Suffix()
		r.report(progress)
	}
	r.remember()
	r.count()
	return errors.Join(err, ctx.Err())
}

// remember keeps the claim to forms that were to be replaced and were not. The
// file counts as never seen then, so that the next run does not take what is left for
// forms of its content.
func (r *run) remember() {
	for _, p := range r.plans {
		if p.undone == 0 {
			continue
		}
		p.record.SHA256 = ""
		for _, c := range codings {
			if _, done := p.record.form(c); done {
				continue
			}
			if old, known := r.known.Files[p.name].form(c); known {
				p.record.Forms[c.String()] = old
			}
		}
	}
}

// tasks are the forms to make, the longest work first, so that no worker is left
// alone with it at the end.
func (r *run) tasks() (tasks []task, total int64) {
	for _, p := range r.plans {
		for _, c := range p.tasks {
			old, _ := r.known.Files[p.name].form(c)
			t := task{plan: p, c: c, old: old}
			tasks = append(tasks, t)
			p.undone++
			total += t.cost()
		}
	}
	slices.SortStableFunc(tasks, func(a, b task) int { return cmp.Compare(b.cost(), a.cost()) })
	return tasks, total
}

// cost is about how much work a form is.
func (t task) cost() int64 {
	if t.c == coding.Brotli {
		return 16 * t.plan.size
	}
	return t.plan.size
}

func (r *run) report(p Progress) {
	if r.o.Progress != nil {
		r.o.Progress(p)
	}
}

// count adds up the lengths of all forms.
func (r *run) count() {
	for _, p := range r.plans {
		for _, c := range codings {
			size, _ := p.record.form(c)
			if size == 0 {
				size = p.size
			}
			r.sum.Forms[c.String()] += size
		}
	}
}

// parallel calls f for 0 to n-1 on at most jobs goroutines, which it numbers,
// until the context ends.
func parallel(ctx context.Context, jobs, n int, f func(worker, i int)) {
	next := make(chan int)
	var workers sync.WaitGroup
	for worker := range min(jobs, n, maxJobs) {
		workers.Go(func() {
			for i := range next {
				f(worker, i)
			}
		})
	}
	for i := range n {
		if ctx.Err() != nil {
			break
		}
		next <- i
	}
	close(next)
	workers.Wait()
}
