package peers

import "strconv"

func fasthttp() *Peer {
	return &Peer{
		Name:    "fasthttp",
		About:   "a program of this repository on github.com/valyala/fasthttp, the fastest of Go's goroutine-per-connection servers",
		Serves:  webServer,
		Find:    goBuild("fasthttpd", "./bench/peers/fasthttpd"),
		Version: goVersion("fasthttp of go.mod"),
		Command: func(program, _ string, site Site) []string {
			return []string{program, strconv.Itoa(site.Port), site.Root, strconv.Itoa(site.Upstream)}
		},
	}
}
