package peers

func lighttpd() *Peer {
	return &Peer{
		Name:    "lighttpd",
		About:   "single process; /fixed is a file of two bytes; its proxy opens an upstream connection per request",
		Serves:  webServer,
		Find:    installed("lighttpd", "lighttpd"),
		Version: firstLine("lighttpd/", "-v"),
		Config:  "lighttpd.conf",
		Command: func(program, config string, _ Site) []string {
			return []string{program, "-D", "-f", config}
		},
	}
}
