package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/anygate/anygate/import/ingress"
	"github.com/anygate/anygate/import/nginx"
	"github.com/anygate/anygate/import/report"
)

// Exit codes.
const (
	exitComplete   = 0
	exitIncomplete = 1
	exitError      = 2
)

const usage = `usage: anygate import nginx FILE [-o FILE] [--json] [--prefix DIR]
       anygate import ingress FILE... [-o FILE] [--json]

Converts a configuration of nginx, with all that it includes, or Ingress objects written for ingress-nginx. The result goes
to the standard output, or to the file named with -o; the report of what was not carried over goes to the standard error
output, with --json for machines.

  -o FILE         write the result to FILE, which must not be there yet
  --json          print the report as JSON
  --prefix DIR    where relative directories of nginx start from (/usr/share/nginx)

Exit codes: 0 everything was carried over, 1 something was not, 2 error.
`

// run is the program without its process.
func run(args []string, stdout, stderr io.Writer) int {
	if len(args) == 0 {
		fmt.Fprint(stderr, usage)
		return exitError
	}
	if args[0] == "-h" || args[0] == "--help" || args[0] == "help" {
		fmt.Fprint(stdout, usage)
		return exitComplete
	}
	var out, prefix string
	var asJSON bool
	f := flag.NewFlagSet(args[0], flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.StringVar(&out, "o", "", "")
	f.BoolVar(&asJSON, "json", false, "")
	f.StringVar(&prefix, "prefix", "/usr/share/nginx", "")
	files, err := parse(f, args[1:])
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(stdout, usage)
		return exitComplete
	case err != nil:
		return failed(stderr, err)
	case args[0] != "nginx" && args[0] != "ingress":
		return failed(stderr, fmt.Errorf("%q is not understood: nginx and ingress are", args[0]))
	case len(files) == 0:
		return failed(stderr, errors.New("name the file to import"))
	case args[0] == "nginx" && len(files) > 1:
		return failed(stderr, fmt.Errorf("one file of nginx is imported at a time, with what it includes; %q is a second one", files[1]))
	}
	yaml, told, err := convert(args[0], files, prefix)
	if err != nil {
		return failed(stderr, err)
	}
	if err := write(out, yaml, stdout); err != nil {
		return failed(stderr, err)
	}
	if asJSON {
		text, err := told.JSON()
		if err != nil {
			return failed(stderr, err)
		}
		_, _ = stderr.Write(text)
	} else {
		fmt.Fprint(stderr, told.Text())
	}
	if !told.Complete() {
		return exitIncomplete
	}
	return exitComplete
}

func convert(from string, files []string, prefix string) (string, *report.Report, error) {
	if from == "ingress" {
		r, err := ingress.Convert(files)
		if err != nil {
			return "", nil, err
		}
		return r.YAML, r.Report, nil
	}
	r, err := nginx.Convert(files[0], nginx.Options{Prefix: prefix})
	if err != nil {
		return "", nil, err
	}
	return r.YAML, r.Report, nil
}

// parse reads options and files in any order.
func parse(f *flag.FlagSet, args []string) (files []string, err error) {
	for {
		if err := f.Parse(args); err != nil || f.NArg() == 0 {
			return files, err
		}
		files = append(files, f.Arg(0))
		args = f.Args()[1:]
	}
}

// write writes the result. A file that is there is not replaced: it may have been worked on since the last import.
func write(name, text string, stdout io.Writer) error {
	if name == "" || name == "-" {
		_, err := io.WriteString(stdout, text)
		return err
	}
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = file.WriteString(text)
	return errors.Join(err, file.Close())
}

func failed(stderr io.Writer, err error) int {
	fmt.Fprintf(stderr, "anygate import: %v\n", err)
	return exitError
}
