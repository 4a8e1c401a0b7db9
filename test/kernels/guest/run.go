package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/anygate/anygate/test/kernels/order"
)

// run runs a program to its end. What it prints goes to the console too, which is looked at when something failed.
func run(o *order.Order, p *order.Program) (*order.Outcome, error) {
	cmd := exec.Command(p.Arguments[0], p.Arguments[1:]...)
	cmd.Dir = workplace
	cmd.Env = append([]string{"PATH=/bin", "HOME=" + workplace, "TMPDIR=" + workplace}, p.Environment...)
	if o.User != 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: o.User, Gid: o.User}}
	}
	var output bytes.Buffer
	cmd.Stdout = io.MultiWriter(os.Stdout, &output)
	cmd.Stderr = cmd.Stdout
	start := time.Now()
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return nil, err
	}
	outcome := &order.Outcome{Program: p.Name, Code: cmd.ProcessState.ExitCode(), Seconds: time.Since(start).Seconds()}
	if p.Test {
		count(outcome, output.Bytes())
	} else {
		outcome.Output = output.String()
	}
	return outcome, nil
}

// count reads the verdicts that a test program prints with -test.v.
func count(o *order.Outcome, output []byte) {
	for line := range bytes.Lines(output) {
		verdict, rest, ok := bytes.Cut(bytes.TrimSpace(line), []byte(": "))
		if !ok {
			continue
		}
		name, _, _ := bytes.Cut(rest, []byte(" "))
		switch string(verdict) {
		case "--- PASS":
			o.Passed++
		case "--- FAIL":
			o.Failed = append(o.Failed, string(name))
		case "--- SKIP":
			o.Skipped = append(o.Skipped, string(name))
		}
	}
}
