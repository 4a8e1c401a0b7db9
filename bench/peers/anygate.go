package peers

import (
	"context"
	"fmt"
	"os"
)

// AnyGate returns AnyGate as two peers, one for each engine. An empty program stands for a build of this repository;
// a path compares another build, named by label, with it in the same run.
func AnyGate(label, program string) []*Peer {
	find := goBuild("anygate", "./cmd/anygate")
	if program != "" {
		find = func(context.Context, Workshop) (string, error) {
			if _, err := os.Stat(program); err != nil {
				return "", fmt.Errorf("the build %q of AnyGate: %w", label, err)
			}
			return program, nil
		}
	}
	var peers []*Peer
	for _, engine := range []string{"io_uring", "epoll"} {
		peers = append(peers, &Peer{
			Name:    label + "-" + engine,
			About:   "engine " + engine + ", one shard per processor it is pinned to",
			Serves:  webServer | H2C | TLS | H2 | PostQuantum | Precompressed | Coding | Observed | Limited,
			Find:    find,
			Version: firstLine("anygate", "version"),
			Config:  "anygate.conf",
			Setting: engine,
			Command: func(program, config string, _ Site) []string {
				return []string{program, "serve", "-c", config}
			},
		})
	}
	return peers
}
