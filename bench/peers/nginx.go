package peers

func nginx() *Peer {
	return &Peer{
		Name:    "nginx",
		About:   "one worker per processor; a single worker runs without a master, so that nothing else shares its processor",
		Serves:  webServer | H2C,
		Find:    installed("nginx", "nginx-light"),
		Version: firstLine("nginx version", "-v"),
		Config:  "nginx.conf",
		Command: func(program, config string, site Site) []string {
			return []string{program, "-p", site.Scratch, "-c", config, "-e", "stderr"}
		},
	}
}
