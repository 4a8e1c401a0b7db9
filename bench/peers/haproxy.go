package peers

func haproxy() *Peer {
	return &Peer{
		Name:    "haproxy",
		About:   "one thread per processor; it serves no files, a small one is an answer loaded at start",
		Serves:  Fixed | SmallFile | Proxy | Closing | H2C | TLS | H2,
		Find:    installed("haproxy", "haproxy"),
		Version: firstLine("HAProxy version", "-v"),
		Config:  "haproxy.conf",
		Command: func(program, config string, _ Site) []string {
			return []string{program, "-db", "-q", "-f", config}
		},
	}
}
