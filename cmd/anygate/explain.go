package main

import (
	"flag"
	"fmt"
	"time"

	"github.com/anygate/anygate/cmd/anygate/demo"
	"github.com/anygate/anygate/config"
	"github.com/anygate/anygate/control"
	"github.com/anygate/anygate/control/explain"
)

// explainRequest says what would become of a request.
func explainRequest(t terminal, args []string) int {
	var file string
	var fields []string
	words, err := parse(t, "explain", args, 2, func(f *flag.FlagSet) {
		f.StringVar(&file, "c", "", "configuration file")
		f.Func("H", "header field", func(s string) error { fields = append(fields, s); return nil })
	})
	if err != nil {
		return exitOf(err)
	}
	if len(words) != 2 {
		fmt.Fprintln(t.err, "anygate explain: a method and a URL are needed, as in: anygate explain GET http://localhost/")
		return exitUsage
	}

	var cfg *config.Config
	if name, err := locate(file); err == nil {
		cfg = load(t, name)
	} else {
		site, err := demo.Open()
		if err != nil {
			return failed(t, err)
		}
		defer site.Close()
		cfg = site.Config
		fmt.Fprintln(t.err, "anygate: there is no configuration, so this is about the demo site")
	}
	if cfg == nil {
		return exitFailure
	}
	gen, err := control.Compile(cfg, control.NewRegistry(explain.Offline{}))
	if err != nil {
		return failed(t, err)
	}
	request := explain.Request{Method: words[0], URL: words[1], Fields: fields}
	if err := explain.Write(t.out, cfg, gen, request, time.Now()); err != nil {
		return failed(t, err)
	}
	return exitOK
}
