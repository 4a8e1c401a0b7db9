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
	os.Exit(run(os.Args[1:], terminal{in: os.Stdin, out: os.Stdout, err: os.Stderr, signals: takeSignals, own: true}))
}

// takeSignals takes the process's signals. What finds no room is lost, and one of these may be the order to end, while a start
// looks names up say.
func takeSignals() <-chan os.Signal {
	signals := make(chan os.Signal, 64)
	signal.Notify(signals, control.Signals()...)
	return signals
}
