package trial

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"text/template"

	"github.com/anygate/anygate/bench/internal/generate"
	"github.com/anygate/anygate/bench/internal/proc"
)

//go:embed upstream.conf
var upstreamConfig string

func startUpstream(ctx context.Context, b *Bench) (*proc.Process, int, error) {
	nginx, err := proc.Look("nginx")
	if err != nil {
		return nil, 0, fmt.Errorf("the upstream needs nginx; on Debian: apt-get install nginx-light")
	}
	folder, err := b.folder("upstream")
	if err != nil {
		return nil, 0, err
	}
	port, err := proc.FreePort()
	if err != nil {
		return nil, 0, err
	}
	config := filepath.Join(folder, "upstream.conf")
	file, err := os.Create(config)
	if err != nil {
		return nil, 0, err
	}
	err = template.Must(template.New("upstream").Parse(upstreamConfig)).Execute(file, map[string]any{
		"Port": port, "Root": b.root, "Descriptors": b.Descriptors,
	})
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return nil, 0, err
	}
	process, err := proc.Start(proc.Spec{
		Argv:   []string{nginx, "-p", folder, "-c", config, "-e", "stderr"},
		Dir:    folder,
		CPUs:   b.LoadCPUs,
		Output: filepath.Join(folder, "output"),
	})
	if err != nil {
		return nil, 0, err
	}
	for _, request := range []generate.Request{
		{Head: generate.Head("GET", "/proxy/ok"), Status: 200, Length: 2},
		{Head: generate.Head("GET", "/proxy/64k"), Status: 200, Length: 64 * KiB},
	} {
		if _, err := awaitAnswer(ctx, process, loopback(port), request, nil); err != nil {
			process.Stop()
			return nil, 0, fmt.Errorf("upstream: %w", err)
		}
	}
	return process, port, nil
}
