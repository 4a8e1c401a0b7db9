package peers

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/anygate/anygate/bench/internal/proc"
)

func floor() *Peer {
	return &Peer{
		Name:   "floor",
		About:  "no server: a C loop on epoll that counts empty lines and sends ready-made bytes, or carries bytes to the upstream and back",
		Serves: Fixed | SmallFile | LargeFile | Proxy | Closing,
		Find:   compileFloor,
		Version: func(ctx context.Context, _ string) string {
			return firstLine("gcc", "--version")(ctx, "gcc") + ", -O2"
		},
		Command: func(program, _ string, site Site) []string {
			port := strconv.Itoa(site.Port)
			if strings.HasPrefix(site.Path, "/proxy/") {
				return []string{program, "relay", port, strconv.Itoa(site.Upstream)}
			}
			argv := []string{program, "fixed", port, strconv.FormatInt(site.Content, 10)}
			if site.Closing {
				argv = append(argv, "close")
			}
			return argv
		},
		Env: func(site Site) []string { return []string{"FLOOR_WORKERS=" + strconv.Itoa(site.Workers)} },
	}
}

func compileFloor(ctx context.Context, shop Workshop) (string, error) {
	gcc, err := proc.Look("gcc")
	if err != nil {
		return "", fmt.Errorf("the floor needs a C compiler; on Debian: apt-get install gcc libc6-dev")
	}
	program := filepath.Join(shop.Bin, "floor")
	source := filepath.Join(shop.Module, "bench", "floor", "floor.c")
	if output, err := exec.CommandContext(ctx, gcc, "-O2", "-o", program, source).CombinedOutput(); err != nil {
		return "", fmt.Errorf("compile %s: %w: %s", source, err, strings.TrimSpace(string(output)))
	}
	return program, nil
}
