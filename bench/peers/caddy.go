package peers

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/anygate/anygate/bench/internal/proc"
)

// caddyModule is the release that Install builds.
const caddyModule = "github.com/caddyserver/caddy/v2/cmd/caddy@v2.11.1"

func caddy() *Peer {
	return &Peer{
		Name:   "caddy",
		About:  "GOMAXPROCS follows the processors it is pinned to; no admin endpoint, no automatic HTTPS, no access log; what it codes while serving it codes again for each answer",
		Serves: webServer | TLS | H2 | PostQuantum | Precompressed | Coding,
		Find: func(_ context.Context, shop Workshop) (string, error) {
			if built := filepath.Join(shop.Bin, "caddy"); isProgram(built) {
				return built, nil
			}
			path, err := proc.Look("caddy")
			if err != nil {
				return "", fmt.Errorf("caddy is missing; go run ./bench install builds it")
			}
			return path, nil
		},
		Version: firstLine("v2", "version"),
		Config:  "caddy.conf",
		Command: func(program, config string, _ Site) []string {
			return []string{program, "run", "--adapter", "caddyfile", "--config", config}
		},
		Env: func(site Site) []string {
			return []string{"HOME=" + site.Scratch, "XDG_DATA_HOME=" + site.Scratch, "XDG_CONFIG_HOME=" + site.Scratch}
		},
	}
}

// Install builds the peers that no package manager has to install first: Caddy, through the Go module proxy.
func Install(ctx context.Context, shop Workshop) error {
	command := exec.CommandContext(ctx, "go", "install", caddyModule)
	command.Env = append(os.Environ(), "GOBIN="+shop.Bin)
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("go install %s: %w: %s", caddyModule, err, strings.TrimSpace(string(output)))
	}
	return nil
}

func isProgram(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}
