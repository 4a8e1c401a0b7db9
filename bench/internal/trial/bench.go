package trial

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/anygate/anygate/bench/internal/proc"
)

// Bench is what the trials of a run share.
type Bench struct {
	// ServerCPUs and LoadCPUs are disjoint, so that a generator never takes a server's time.
	ServerCPUs, LoadCPUs proc.CPUs
	// Together says that they are the same after all, on purpose: the load is then no disturbance.
	Together bool
	// Duration of a measurement.
	Duration time.Duration
	// Descriptors is the limit of open files.
	Descriptors uint64
	// Profiles is the directory for profiles of the server, empty if none are wanted.
	Profiles string

	scratch  string
	root     string
	upstream *proc.Process
	upPort   int
	many     bool // the many small files are there
}

// Open lays out the site in a directory of its own. Close removes it.
func (b *Bench) Open() error {
	scratch, err := os.MkdirTemp("", "anygate-bench-")
	if err != nil {
		return err
	}
	// Servers that give up privileges read the site, too.
	if err := os.Chmod(scratch, 0o755); err != nil {
		return err
	}
	b.scratch, b.root = scratch, filepath.Join(scratch, "site")
	return layOut(b.root)
}

// ManyFiles is how many small files there are below /static/many/ after AddMany.
const ManyFiles = 100_000

// ManyPath is the path of one of them.
func ManyPath(i int) string { return fmt.Sprintf("/static/many/%d/%d.txt", i/1000, i) }

// AddMany adds many files of 1 KiB to the site, no two of them alike. Adding them twice is no error.
func (b *Bench) AddMany() error {
	if b.many {
		return nil
	}
	for i := range ManyFiles {
		path := filepath.Join(b.root, ManyPath(i))
		if i%1000 == 0 {
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				return err
			}
		}
		line := fmt.Sprintf("This is file %d of many.\n", i)
		if err := os.WriteFile(path, []byte(strings.Repeat(line, KiB/len(line)+1)[:KiB]), 0o644); err != nil {
			return err
		}
	}
	b.many = true
	return nil
}

// Close stops the upstream and removes the site.
func (b *Bench) Close() {
	if b.upstream != nil {
		b.upstream.Stop()
	}
	if b.scratch != "" {
		_ = os.RemoveAll(b.scratch)
	}
}

// folder makes a fresh directory for one server.
func (b *Bench) folder(name string) (string, error) {
	path, err := os.MkdirTemp(b.scratch, name+"-")
	if err != nil {
		return "", err
	}
	// A server that gives up privileges may have files there.
	return path, os.Chmod(path, 0o755)
}

// StartUpstream starts the server that all proxies share, on the generator's processors. Starting it twice is no error.
func (b *Bench) StartUpstream(ctx context.Context) error {
	if b.upstream != nil {
		return nil
	}
	upstream, port, err := startUpstream(ctx, b)
	if err != nil {
		return err
	}
	b.upstream, b.upPort = upstream, port
	return nil
}
