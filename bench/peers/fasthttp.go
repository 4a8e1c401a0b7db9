package peers

import "strconv"

func fasthttp() *Peer {
	return &Peer{
		Name:    "fasthttp",
		About:   "a program of this repository on github.com/valyala/fasthttp, the fastest of Go's goroutine-per-connection servers; coded files are kept in a directory",
		Serves:  webServer | TLS | PostQuantum | Coding,
		Find:    goBuild("fasthttpd", "./bench/peers/fasthttpd"),
		Version: goVersion("fasthttp of go.mod"),
		Command: func(program, _ string, site Site) []string {
			argv := []string{program, strconv.Itoa(site.Port), site.Root, strconv.Itoa(site.Upstream)}
			if site.TLS != 0 {
				argv = append(argv, strconv.Itoa(site.TLS), site.Certificate, site.Key)
			}
			return argv
		},
	}
}
