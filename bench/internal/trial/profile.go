package trial

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"

	"github.com/anygate/anygate/bench/internal/proc"
)

// FindPerf says where perf is, or how to get it.
func FindPerf() (string, error) {
	path, err := proc.Look("perf")
	if err != nil {
		return "", fmt.Errorf("a profile needs perf; on Debian: apt-get install linux-perf")
	}
	return path, nil
}

// startProfile records what runs on the server's processors, kernel included, until the returned function is called,
// which also writes two profiles of the server's own processes that can be read without perf: a flat one, and one for
// go tool pprof. It does nothing for a trial without a profile.
func (s *Server) startProfile(ctx context.Context) (stop func(), err error) {
	if s.Profile == "" {
		return func() {}, nil
	}
	perf, err := FindPerf()
	if err != nil {
		return nil, err
	}
	data := s.profilePath(".perf")
	process, err := proc.Start(proc.Spec{
		Argv:   []string{perf, "record", "-q", "-C", s.Bench.ServerCPUs.String(), "-F", "997", "-g", "-o", data},
		Dir:    s.Bench.Profiles,
		CPUs:   s.Bench.LoadCPUs,
		Output: s.profilePath(".log"),
	})
	if err != nil {
		return nil, err
	}
	return func() {
		// perf writes its file when it is interrupted.
		_ = syscall.Kill(process.PID(), syscall.SIGINT)
		<-process.Exited()
		s.summarise(ctx, perf, data)
	}, nil
}

// summarise writes the profiles beside the recording. What fails is written in the place of the flat one: it must not cost
// the run.
func (s *Server) summarise(ctx context.Context, perf, data string) {
	tree, err := s.process.Tree()
	if err != nil {
		return // The server has died, and the sample says so.
	}
	pids := make([]string, len(tree))
	for i, pid := range tree {
		pids[i] = strconv.Itoa(pid)
	}
	text, err := exec.CommandContext(ctx, perf, "report", "-i", data, "--stdio", "--no-children", "-g", "none",
		"--pid", strings.Join(pids, ","), "--percentage", "relative", "--percent-limit", "0.3", "--sort", "dso,symbol").CombinedOutput()
	if err != nil {
		text = append(text, err.Error()...)
	}
	if err := writePprof(ctx, perf, data, strings.Join(pids, ","), s.profilePath(".pb.gz")); err != nil {
		text = append(text, err.Error()...)
	}
	_ = os.WriteFile(s.profilePath(".txt"), text, 0o644)
}
