package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/anygate/anygate/config"
	"github.com/anygate/anygate/control"
	"github.com/anygate/anygate/control/admin"
	"github.com/anygate/anygate/control/top"
)

// The bounds of how often a process is asked.
const (
	defaultTopEvery = 2 * time.Second
	leastTopEvery   = 200 * time.Millisecond
)

// onceWidth is how long the lines of a screen are that is printed.
const onceWidth = 120

// showTop shows what a running process does.
func showTop(t terminal, args []string) int {
	var file, address, token string
	var once bool
	every := defaultTopEvery
	if _, err := parse(t, "top", args, 0, func(f *flag.FlagSet) {
		f.StringVar(&file, "c", "", "configuration file that it serves")
		f.StringVar(&address, "admin", "", "address of its admin API")
		f.StringVar(&token, "token", "", "environment variable or file that holds the token")
		f.DurationVar(&every, "every", every, "how often it is asked")
		f.BoolVar(&once, "once", false, "print once, and exit")
	}); err != nil {
		return exitOf(err)
	}
	if every < leastTopEvery {
		fmt.Fprintf(t.err, "anygate top: --every is at least %v\n", leastTopEvery)
		return exitUsage
	}
	secret := ""
	var err error
	if address == "" {
		if address, secret, err = doorOf(file); err != nil {
			return failed(t, err)
		}
	}
	if token != "" {
		if secret, err = tokenOf(token); err != nil {
			return failed(t, err)
		}
	}
	client := top.NewClient(address, secret)
	if once {
		return printTop(t, client, every)
	}
	if !interactive(t.out) {
		return failed(t, errors.New("the output is no terminal; --once prints once"))
	}
	if _, err := client.Status(); err != nil {
		return failed(t, err)
	}
	if err := top.Run(top.Options{Ask: client.Status, Every: every, Stop: t.heed(), In: os.Stdin, Out: t.out}); err != nil {
		return failed(t, err)
	}
	return exitOK
}

// tokenOf is the first token that an environment variable, or a file, holds.
func tokenOf(name string) (string, error) {
	text := os.Getenv(name)
	if !config.IsVariable(name) {
		b, err := os.ReadFile(name)
		if err != nil {
			return "", err
		}
		text = string(b)
	}
	token, err := admin.FirstToken(text)
	if err != nil {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	return token, nil
}

// doorOf is the address of the admin API of the process that serves a configuration, and its token.
func doorOf(file string) (address, token string, err error) {
	name, err := locate(file)
	if err != nil {
		return "", "", err
	}
	cfg, diagnostics := config.LoadAt(name, time.Now())
	if cfg == nil {
		return "", "", diagnostics.Err()
	}
	return control.AdminDoor(cfg)
}

// printTop prints what has happened in one period.
func printTop(t terminal, client *top.Client, every time.Duration) int {
	var before, now *admin.Status
	before, err := client.Status()
	if err == nil {
		time.Sleep(every)
		now, err = client.Status()
	}
	if err != nil {
		return failed(t, err)
	}
	screen := top.Screen{Now: now, Before: before}
	_, err = io.WriteString(t.out, strings.TrimRight(strings.Join(screen.Lines(onceWidth), "\n"), "\n")+"\n")
	return printed(t, err)
}

// interactive reports whether something is a terminal.
func interactive(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
