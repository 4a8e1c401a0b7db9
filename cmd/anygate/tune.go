package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/anygate/anygate/config"
	"github.com/anygate/anygate/control"
	"github.com/anygate/anygate/engine"
	"github.com/anygate/anygate/route"
	"github.com/anygate/anygate/tuning"
)

// Exit codes of tune, for CI: something to do is no error.
const (
	tuneFine  = 0
	tuneTodo  = 1
	tuneError = 2
)

// tuneOptions are what the words of tune understand, each of them some.
type tuneOptions struct {
	word    string
	file    string
	profile string
	risk    string
	state   string
	root    string
	skip    []string
	watch   time.Duration
	asJSON  bool
	all     bool
	yes     bool
	dry     bool
}

// tuneWords are the words after tune, with the options that each of them understands.
var tuneWords = map[string][]string{
	"check":  {"c", "profile", "risk", "skip", "root", "json", "all"},
	"apply":  {"c", "profile", "risk", "skip", "state", "json", "yes", "dry-run"},
	"revert": {"state", "json", "dry-run"},
	"verify": {"c", "profile", "root", "json", "all", "for"},
}

const tuneArgs = "check|apply|revert|verify [-c FILE] [--profile NAME] [--risk safe|measure] [--skip KEY]... [--all] [--json] [--yes] [--dry-run] [--for DURATION] [--state FILE] [--root DIR]"

// tune checks the settings of the host, sets them, and takes that back.
func tune(t terminal, args []string) int {
	o, code := parseTune(t, args)
	if o == nil {
		return code
	}
	host := tuning.Local()
	host.Root = o.root
	if o.root == "" {
		host.Ring = askRing
	} else if err := host.Usable(); err != nil {
		return tuneFailed(t, fmt.Errorf("--root: %w", err))
	} else {
		// The functions of the host are about this machine.
		host.Link, host.Qdiscs = nil, nil
	}
	if o.word == "revert" {
		return tuneRevert(t, host, o)
	}
	service, ok := describeService(t, o.file)
	if !ok {
		return tuneError
	}
	options := tuning.Options{Profile: o.profile, Risk: tuning.Risk(o.risk), Service: service, Skip: o.skip}
	switch o.word {
	case "apply":
		return tuneApply(t, host, o, options)
	case "verify":
		return tuneVerify(t, host, o, options)
	}
	report, err := tuning.Check(host, options)
	if err != nil {
		return tuneFailed(t, err)
	}
	todo, _ := report.Todo()
	code = tuneFine
	if len(todo) > 0 {
		code = tuneTodo
	}
	return o.answer(t, code, report, report.WriteText)
}

// parseTune reads the command line. Without options, the exit code says why.
func parseTune(t terminal, args []string) (*tuneOptions, int) {
	o := &tuneOptions{state: tuning.DefaultState}
	var given []string
	words, err := parse(t, "tune", args, 1, func(f *flag.FlagSet) {
		text := func(p *string, name, about string) {
			f.Func(name, about, func(s string) error { *p, given = s, append(given, name); return nil })
		}
		toggle := func(p *bool, name, about string) {
			f.BoolFunc(name, about, func(string) error { *p, given = true, append(given, name); return nil })
		}
		text(&o.file, "c", "configuration file, whose ports, proxies and sizes count")
		text(&o.profile, "profile", "what the host is for, edge unless another is named: "+strings.Join(tuning.ProfileNames(), ", "))
		text(&o.risk, "risk", "how far to go: safe, or measure as well (check, apply)")
		text(&o.state, "state", "where apply records how things were, and revert finds it")
		text(&o.root, "root", "look at a tree with proc and sys in it, not at this machine (check, verify)")
		f.Func("skip", "leave settings alone, KEY[,KEY...] (check, apply)", func(s string) error {
			given = append(given, "skip")
			o.skip = append(o.skip, strings.Split(s, ",")...)
			return nil
		})
		toggle(&o.asJSON, "json", "print for machines")
		toggle(&o.all, "all", "show what is fine as well (check, verify)")
		toggle(&o.yes, "yes", "do not ask (apply)")
		toggle(&o.dry, "dry-run", "show what would change, and change nothing (apply, revert)")
		f.Func("for", "count what is added in that time, not since the machine began (verify)", func(s string) (err error) {
			given = append(given, "for")
			o.watch, err = time.ParseDuration(s)
			return err
		})
	})
	if err != nil {
		return nil, exitOf(err)
	}
	wrong := ""
	switch {
	case len(words) == 0:
		wrong = "say what to do: check, apply, revert or verify"
	case tuneWords[words[0]] == nil:
		wrong = fmt.Sprintf("unknown word %q", words[0])
		if near := route.Suggest(words[0], []string{"check", "apply", "revert", "verify"}); near != "" {
			wrong += fmt.Sprintf("; did you mean %q?", near)
		}
	case o.profile != "" && !slices.Contains(tuning.ProfileNames(), o.profile):
		wrong = fmt.Sprintf("there is no profile %q: they are %s", o.profile, strings.Join(tuning.ProfileNames(), ", "))
		if near := route.Suggest(o.profile, tuning.ProfileNames()); near != "" {
			wrong += fmt.Sprintf("; did you mean %q?", near)
		}
	case o.risk != "" && o.risk != string(tuning.Safe) && o.risk != string(tuning.Measure):
		wrong = fmt.Sprintf("there is no risk %q to take: it is safe or measure", o.risk)
	case o.watch < 0:
		wrong = fmt.Sprintf("%s is no time to watch", o.watch)
	case o.asJSON && words[0] == "apply" && !o.yes && !o.dry:
		wrong = "--json cannot ask: add --yes or --dry-run"
	default:
		for _, name := range given {
			if !slices.Contains(tuneWords[words[0]], name) {
				wrong = fmt.Sprintf("%s has no option %q", words[0], name)
			}
		}
	}
	if wrong != "" {
		fmt.Fprintf(t.err, "anygate tune: %s\n", wrong)
		return nil, tuneError
	}
	o.word = words[0]
	// The host's files are looked up below its root, so that names have to say all of the way.
	for _, name := range []*string{&o.root, &o.state} {
		if *name == "" {
			continue
		}
		if *name, err = filepath.Abs(*name); err != nil {
			return nil, tuneFailed(t, err)
		}
	}
	return o, 0
}

// describeService is what the configuration says of AnyGate. Without a configuration, nothing.
func describeService(t terminal, file string) (tuning.Service, bool) {
	name, err := locate(file)
	if errors.Is(err, errNoConfig) {
		return tuning.Service{}, true
	}
	cfg := load(t, name)
	if cfg == nil {
		return tuning.Service{}, false
	}
	s := serviceOf(name, cfg)
	s.Named = file != ""
	return s, true
}

// serviceOf takes from a configuration what a host's settings depend on.
func serviceOf(name string, cfg *config.Config) tuning.Service {
	s := tuning.Service{Config: name, Shards: cfg.Server.Shards, Connections: cfg.Server.Limits.Connections}
	listeners := cfg.Listen
	if cfg.Admin != nil {
		listeners = slices.Concat(listeners, cfg.Admin.Listen)
	}
	for _, l := range listeners {
		if l.Network != "tcp" {
			continue
		}
		addr := l.Addr
		if strings.HasPrefix(addr, ":") {
			addr = "0.0.0.0" + addr
		}
		if ap, err := netip.ParseAddrPort(addr); err == nil && ap.Port() != 0 {
			s.Ports = append(s.Ports, int(ap.Port()))
		}
	}
	slices.Sort(s.Ports)
	s.Ports = slices.Compact(s.Ports)
	for _, u := range cfg.Upstreams {
		if !slices.ContainsFunc(u.Members, func(m config.Member) bool { return m.Scheme != "unix" }) {
			continue
		}
		s.Pools = append(s.Pools, tuning.Pool{Name: u.Name, Most: u.Limits.Connections, Idle: u.KeepAlive.Connections})
	}
	s.Proxies = slices.ContainsFunc(cfg.Routes, func(r config.Route) bool { return r.Action.Kind == route.Proxy })
	return s
}

// askRing has the kernel say whether AnyGate could use io_uring.
func askRing() tuning.Ring {
	backend, err := control.ChooseBackend("auto")
	if err != nil {
		return tuning.Ring{Cause: err.Error()}
	}
	return tuning.Ring{Available: backend.Kind == engine.IOUring, Cause: backend.Cause, Cure: backend.Cure}
}

// style is how text is written for whoever reads it.
func (o *tuneOptions) style(t terminal) tuning.Style {
	return tuning.Style{Color: tuning.Coloured(t.out), All: o.all, Sudo: os.Geteuid() != 0, Width: tuning.Width(t.out)}
}

// answer prints an answer for people or for machines.
func (o *tuneOptions) answer(t terminal, code int, value any, write func(io.Writer, tuning.Style) error) int {
	var err error
	if o.asJSON {
		err = tuneJSON(t.out, code, value)
	} else {
		err = write(t.out, o.style(t))
	}
	if err != nil {
		return tuneFailed(t, fmt.Errorf("the answer cannot be written: %w", err))
	}
	return code
}

// tuneJSON prints one object: the members of the value, and the exit code.
func tuneJSON(w io.Writer, code int, value any) error {
	inner, err := encodeJSON(value)
	if err != nil {
		return err
	}
	members := bytes.TrimSuffix(bytes.TrimSpace(inner), []byte("\n}"))
	_, err = fmt.Fprintf(w, "%s,\n  \"exit_code\": %d\n}\n", members, code)
	return err
}

func encodeJSON(value any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(value)
	return b.Bytes(), err
}

// tuneFailed prints an error. That something is to be done has the exit code of other commands' failures.
func tuneFailed(t terminal, err error) int {
	failed(t, err)
	return tuneError
}
