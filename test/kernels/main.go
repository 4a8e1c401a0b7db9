package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"syscall"
	"time"
)

// errFailed says that a boot was not as expected, which has been told already.
var errFailed = errors.New("the matrix has failures")

type options struct {
	cache   string
	only    *regexp.Regexp
	fresh   bool
	verbose bool
	limit   time.Duration
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := command(ctx, os.Args[1:])
	stop()
	if errors.Is(err, flag.ErrHelp) {
		os.Exit(2)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "kernels:", err)
		os.Exit(1)
	}
}

func command(ctx context.Context, arguments []string) error {
	var o options
	only := ""
	flags := flag.NewFlagSet("kernels", flag.ContinueOnError)
	flags.StringVar(&o.cache, "cache", "test/kernels/.cache", "the `directory` that keeps the kernels")
	flags.StringVar(&only, "run", "", "boots only what this regular `expression` matches of kernel and circumstances")
	flags.BoolVar(&o.fresh, "fresh", false, "downloads the kernels even if the cache has them")
	flags.BoolVar(&o.verbose, "v", false, "prints the console of every boot")
	flags.DurationVar(&o.limit, "limit", 8*time.Minute, "the longest a boot may take")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	var err error
	// A relative path means something else to apt.
	if o.cache, err = filepath.Abs(o.cache); err != nil {
		return err
	}
	if o.only, err = regexp.Compile(only); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("%q is not an option", flags.Arg(0))
	}
	if err := able(); err != nil {
		return err
	}
	return matrix(ctx, os.Stdout, &o)
}

// able says what this machine cannot do.
func able() error {
	for _, program := range []string{"apt-get", "apt-cache", "dpkg-deb", "xz"} {
		if _, err := exec.LookPath(program); err != nil {
			return fmt.Errorf("there is no %s: the kernels are Debian's packages, and only Debian and its relatives can get them", program)
		}
	}
	if _, err := exec.LookPath(emulator); err != nil {
		return fmt.Errorf("there is no %s: test/install.sh installs it", emulator)
	}
	if runtime.GOARCH != "amd64" {
		fmt.Printf("The kernels and the programs on them are amd64's, emulated here. They say nothing about %s.\n", runtime.GOARCH)
	}
	return nil
}

// matrix runs all boots, one after the other, as each has the processors for itself then.
func matrix(ctx context.Context, out io.Writer, o *options) error {
	if err := os.MkdirAll(o.cache, 0o755); err != nil {
		return err
	}
	work, err := os.MkdirTemp("", "anygate-kernels-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	root := filepath.Join(work, "root")
	if err := build(ctx, root); err != nil {
		return err
	}
	images := map[kernel]string{}
	ran, failed, tests := 0, 0, 0
	heading(out)
	for i := range boots {
		b := &boots[i]
		if !o.only.MatchString(b.String()) {
			continue
		}
		if images[b.kernel] == "" {
			if images[b.kernel], err = b.kernel.fetch(ctx, o.cache, o.fresh); err != nil {
				return err
			}
		}
		m := machine{image: images[b.kernel], root: root, work: work, limit: o.limit}
		r, err := m.start(ctx, b)
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		ran++
		passed, ok := tell(out, b, r, o.verbose)
		tests += passed
		if !ok {
			failed++
		}
	}
	if ran == 0 {
		return fmt.Errorf("no boot matches %q", o.only)
	}
	fmt.Fprintf(out, "Kernels: %d boots as expected, %d not; %d tests passed\n", ran-failed, failed, tests)
	if failed > 0 {
		return errFailed
	}
	return nil
}
