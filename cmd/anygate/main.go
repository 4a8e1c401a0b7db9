package main

import (
	"os"
	"os/signal"
	"syscall"

	"github.com/anygate/anygate/control"
)

func main() {
	// A log pipe whose reader has gone is an error of that write, not the end of the server.
	signal.Ignore(syscall.SIGPIPE)
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, control.Signals()...)
	os.Exit(run(os.Args[1:], terminal{in: os.Stdin, out: os.Stdout, err: os.Stderr, signals: signals, own: true}))
}
