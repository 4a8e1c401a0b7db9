package accept

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/anygate/anygate/bench/internal/generate"
	"github.com/anygate/anygate/bench/internal/proc"
)

// Trial is one mode with one number of shards under one load.
type Trial struct {
	Server
	// Kept connections are opened one after the other and stay. If there are none, a closed loop opens and closes
	// connections for Duration, Churn at a time.
	Kept     int
	Churn    int
	Duration time.Duration
	// ServerCPUs and LoadCPUs are where the two sides run.
	ServerCPUs, LoadCPUs proc.CPUs
	// Scratch is a directory for the server's output.
	Scratch string
}

// Outcome is what a trial shows.
type Outcome struct {
	// Accepted counts the connections of each shard.
	Accepted []int
	// Cost is the server's processor time for each connection: accepting, one answer, closing.
	Cost time.Duration
}

// startPatience is how long the server may take to answer for the first time.
const startPatience = 10 * time.Second

// request asks to keep the connection, closing to end it; the client closes.
var (
	request = generate.Request{Head: generate.Head("GET", "/"), Status: 200, Length: 2}
	closing = generate.Request{Head: generate.Head("GET", "/", "Connection: close"), Status: 200, Length: 2, Close: true}
)

// Run makes the trial.
func (t Trial) Run(ctx context.Context) (Outcome, error) {
	process, err := t.start(ctx)
	if err != nil {
		return Outcome{}, err
	}
	defer process.Stop()
	before, err := process.Cost(t.ServerCPUs)
	if err != nil {
		return Outcome{}, err
	}
	connections, err := t.load(ctx)
	if err != nil {
		return Outcome{}, err
	}
	after, err := process.Cost(t.ServerCPUs)
	if err != nil {
		return Outcome{}, err
	}
	process.Stop()
	text, err := os.ReadFile(t.output())
	if err != nil {
		return Outcome{}, err
	}
	outcome := Outcome{Cost: after.Sub(before).Total / time.Duration(max(connections, 1))}
	if err := json.Unmarshal(text, &outcome.Accepted); err != nil {
		return Outcome{}, fmt.Errorf("the server's counts %q: %w", text, err)
	}
	return outcome, nil
}

func (t Trial) output() string { return filepath.Join(t.Scratch, "output") }

// start starts the server and waits until it answers. That takes a connection or two, which are among those counted.
func (t *Trial) start(ctx context.Context) (*proc.Process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	port, err := proc.FreePort()
	if err != nil {
		return nil, err
	}
	t.Address = "127.0.0.1:" + strconv.Itoa(port)
	text, err := json.Marshal(t.Server)
	if err != nil {
		return nil, err
	}
	process, err := proc.Start(proc.Spec{
		Argv: []string{self, Command, string(text)}, Dir: t.Scratch, CPUs: t.ServerCPUs, Output: t.output(),
	})
	if err != nil {
		return nil, err
	}
	for deadline := time.Now().Add(startPatience); ; {
		_, err := generate.Exchange(t.Address, request, nil)
		if err == nil {
			return process, nil
		}
		select {
		case <-process.Exited():
			return nil, process.Failure()
		case <-ctx.Done():
			process.Stop()
			return nil, ctx.Err()
		case <-time.After(time.Millisecond):
		}
		if time.Now().After(deadline) {
			process.Stop()
			return nil, fmt.Errorf("the server does not answer: %w", err)
		}
	}
}

// load opens connections and says how many.
func (t *Trial) load(ctx context.Context) (int64, error) {
	if t.Kept > 0 {
		kept, err := generate.OpenIdle(t.Address, t.Kept, request, nil)
		if err != nil {
			return 0, err
		}
		defer kept.Close()
		return int64(t.Kept), nil
	}
	result, err := generate.InProcess(ctx, t.LoadCPUs, generate.Plan{
		Address: t.Address, Connections: t.Churn, Duration: t.Duration, Requests: []generate.Request{closing}, Sleep: true,
	})
	if err != nil {
		return 0, err
	}
	if result.Failures.Sum() > 0 {
		return 0, fmt.Errorf("failures: %s", result.Failures)
	}
	return result.Requests, nil
}
