package peers

func h2o() *Peer {
	return &Peer{
		Name:    "h2o",
		About:   "one thread per processor; without mruby it has no fixed answer, /fixed is a file of two bytes whose descriptor it caches; what it codes while serving it codes again for each answer",
		Serves:  webServer | H2C | TLS | H2 | Precompressed | Coding,
		Find:    installed("h2o", "h2o"),
		Version: firstLine("h2o version", "--version"),
		Config:  "h2o.conf",
		Command: func(program, config string, _ Site) []string {
			return []string{program, "-m", "worker", "-c", config}
		},
	}
}
