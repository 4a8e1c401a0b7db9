// Package control is the side of AnyGate that is ordinary Go: it turns a configuration into what the shards serve from,
// opens the sockets, starts the shards, listens to signals, and writes what the shards log.
//
//	compile    config.Config to gateway.Generation; directories to sites, errors to pages
//	pool       the upstreams of a configuration, and the members that shards are told of
//	resolve    names of servers to addresses, at first and whenever they move
//	watch      health checks, ejection and breakers of upstreams; what the log says of them
//	tls        what the TLS of each listener is made of; its certificates are control/certificates'
//	listen     one listening socket for each address and shard, all of them opened before anything is served
//	backend    which engine, and why not io_uring
//	sizing     how many shards, connections and buffers this machine, container or cgroup can carry
//	server     a running process: start, signals, drain, exit
//	reload     another configuration while it runs; changes says what is different, follow looks at files
//	upgrade    another process in the place of this one; inherit is the other side
//	confine    gives up privileges, by executing the program again; reach lists the paths it needs, rights tells of it
//	passing    what a process hands to the next program
//	commands   what comes by the control socket, which is control/remote's
//	supervisor what systemd is told
//
// # Threads
//
// Everything runs on ordinary goroutines; this is the only package that starts some beside telemetry's. The shards run on
// goroutines that it starts and waits for, and are told what to do by the methods of gateway.Gateway that any goroutine
// may call. What the two sides share is immutable, or a ring, or one atomic pointer.
//
// # Bytes
//
// It owns no byte of any request. It owns the listening sockets until a shard runs, and the logs.
//
// It never handles a connection, parses nothing of HTTP, and keeps no global state: what has to outlive a generation is in
// a [Registry].
package control
