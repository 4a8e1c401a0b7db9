package generate

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime/debug"

	"github.com/anygate/anygate/bench/internal/proc"
)

// Command is the hidden command of the benchmark that runs Main.
const Command = "generate"

// Main is the generator's process: it reads a Plan as JSON from stdin, executes it, and writes the Result as JSON.
func Main(stdin io.Reader, stdout io.Writer) error {
	var plan Plan
	if err := json.NewDecoder(stdin).Decode(&plan); err != nil {
		return fmt.Errorf("read the plan: %w", err)
	}
	if plan.Secure == nil {
		// What a run allocates is bounded by its plan, and a collection would be taken for the server's latency. Handshakes
		// allocate as long as they last, and are not timed.
		debug.SetGCPercent(-1)
	}
	result, err := Run(plan)
	if err != nil {
		return err
	}
	return json.NewEncoder(stdout).Encode(result)
}

// InProcess executes the plan in a process of its own on cpus.
func InProcess(ctx context.Context, cpus proc.CPUs, plan Plan) (Result, error) {
	self, err := os.Executable()
	if err != nil {
		return Result{}, err
	}
	input, err := json.Marshal(plan)
	if err != nil {
		return Result{}, err
	}
	output, err := proc.Output(ctx, cpus, nil, bytes.NewReader(input), self, Command)
	if err != nil {
		return Result{}, err
	}
	var result Result
	if err := json.Unmarshal(output, &result); err != nil {
		return Result{}, fmt.Errorf("the generator's result: %w", err)
	}
	return result, nil
}
