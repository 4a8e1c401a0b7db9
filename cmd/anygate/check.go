package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"time"

	"github.com/anygate/anygate/config"
	"github.com/anygate/anygate/control"
)

// check validates a configuration. It looks at the files that routes name, and at no network.
func check(t terminal, args []string) int {
	var file string
	var asYAML, asJSON bool
	var trust trusting
	words, err := parse(t, "check", args, 1, func(f *flag.FlagSet) {
		f.StringVar(&file, "c", "", "configuration file")
		f.BoolVar(&asYAML, "print", false, "print every route in its full form")
		trust.define(f)
		f.BoolVar(&asJSON, "json", false, "print for machines")
	})
	if err != nil {
		return exitOf(err)
	}
	switch {
	case asYAML && asJSON:
		fmt.Fprintln(t.err, "anygate check: --print and --json exclude each other")
		return exitUsage
	case len(words) > 0 && file != "":
		fmt.Fprintf(t.err, "anygate check: %s and -c %s exclude each other\n", words[0], file)
		return exitUsage
	case len(words) > 0:
		file = words[0]
	}
	name, err := locate(file)
	if err != nil {
		return failed(t, err)
	}
	if wrong := trust.misused(true); wrong != "" {
		fmt.Fprintln(t.err, "anygate check: "+wrong)
		return exitUsage
	}
	var verified *signed
	var cfg *config.Config
	var diagnostics config.Diagnostics
	if trust.wanted() {
		if verified, cfg, diagnostics, err = trust.open(name); err != nil {
			return failed(t, err)
		}
	} else {
		cfg, diagnostics = config.LoadAt(name, time.Now())
	}
	if asJSON {
		err = printJSON(t, cfg, diagnostics)
	} else {
		report(t, diagnostics)
		if cfg != nil && len(cfg.Warnings) > 0 {
			fmt.Fprintf(t.err, "%s\n%s\n", cfg.Warnings, count(len(cfg.Warnings), "warning"))
		}
	}
	if asYAML && cfg != nil {
		if err = cfg.Print(t.out); len(diagnostics) > 0 {
			fmt.Fprintln(t.err, "anygate check: what is printed leaves out everything that has an error")
		}
	}
	if !asJSON && !asYAML && len(diagnostics) == 0 {
		lines, wrong := control.DescribePrivileges(cfg)
		if wrong != nil {
			return failed(t, wrong)
		}
		_, err = fmt.Fprintf(t.out, "%s: no errors; routes: %d, addresses to listen on: %d\n", name, len(cfg.Routes), len(cfg.Listen))
		if err == nil && verified != nil {
			_, err = fmt.Fprintf(t.out, "%s: %s\n", name, verified)
		}
		if err == nil {
			err = listCertificates(t.out, cfg)
		}
		if err == nil {
			err = listPrivileges(t.out, name, lines)
		}
	}
	if code := printed(t, err); code != exitOK || len(diagnostics) == 0 {
		return code
	}
	return exitFailure
}

// listPrivileges prints what the process would give up.
func listPrivileges(w io.Writer, name string, lines []string) error {
	for _, line := range lines {
		if _, err := fmt.Fprintf(w, "%s: the process %s\n", name, line); err != nil {
			return err
		}
	}
	return nil
}

// count writes a number with its noun.
func count(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}

// printJSON prints one object: ok, the diagnostics and warnings, and the configuration as far as it was understood. The forms of the
// latter two are those of config.Diagnostics.JSON and config.Config.JSON.
func printJSON(t terminal, cfg *config.Config, diagnostics config.Diagnostics) error {
	answer := struct {
		OK          bool            `json:"ok"`
		Diagnostics json.RawMessage `json:"diagnostics"`
		Warnings    json.RawMessage `json:"warnings"`
		Config      json.RawMessage `json:"config"`
	}{len(diagnostics) == 0, diagnostics.JSON(), json.RawMessage("[]"), json.RawMessage("null")}
	if cfg != nil {
		answer.Warnings = cfg.Warnings.JSON()
		answer.Config = cfg.JSON()
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(answer); err != nil {
		return err
	}
	_, err := t.out.Write(b.Bytes())
	return err
}
