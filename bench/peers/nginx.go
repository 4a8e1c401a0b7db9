package peers

func nginx() *Peer {
	return &Peer{
		Name:    "nginx",
		About:   "one worker per processor; a single worker runs without a master, so that nothing else shares its processor; what it codes while serving it codes again for each answer",
		Serves:  webServer | H2C | TLS | H2 | Precompressed | Coding | Observed | Limited,
		Find:    installed("nginx", "nginx-light"),
		Version: firstLine("nginx version", "-v"),
		Config:  "nginx.conf",
		Command: func(program, config string, site Site) []string {
			return []string{program, "-p", site.Scratch, "-c", config, "-e", "stderr"}
		},
	}
}
