package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

const module = "github.com/anygate/anygate"

// programs are what the initramfs holds, by its path there, and how the go command makes each.
var programs = []struct {
	path    string
	command []string
	from    string
}{
	{"init", []string{"build"}, module + "/test/kernels/guest"},
	{"bin/anygate", []string{"build"}, module + "/cmd/anygate"},
	{"bin/smoke.test", []string{"test", "-c"}, module + "/test/kernels/smoke"},
	{"bin/uring.test", []string{"test", "-c"}, module + "/uring"},
	{"bin/epoll.test", []string{"test", "-c"}, module + "/epoll"},
	{"bin/tlsedge.test", []string{"test", "-c"}, module + "/tlsedge"},
	{"bin/engine.test", []string{"test", "-c"}, module + "/engine"},
}

// build makes the programs for the guest below a directory: without the C library, of which there is none there, and
// without what only a debugger reads.
func build(ctx context.Context, root string) error {
	for _, p := range programs {
		arguments := append([]string(nil), p.command...)
		arguments = append(arguments, "-trimpath", "-ldflags=-s -w", "-o", filepath.Join(root, p.path), p.from)
		cmd := exec.CommandContext(ctx, "go", arguments...)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64")
		if output, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("building %s: %w\n%s", p.from, err, output)
		}
	}
	return nil
}
