// Package soak drives the anygate binary with every policy on, for long, and looks for what grows: requests that fail,
// memory, goroutines, descriptors, turns of a loop that take too long.
//
// Clients of HTTP/1.1 and HTTP/2, with and without TLS, ask for fixed answers, files, and what upstreams of both versions
// send; WebSockets and downloads go on meanwhile; the configuration is reloaded and the log rotated again and again; metrics
// are scraped four times a second. Nothing may be refused but what a policy of the configuration refuses, and that has to
// be. Clients repeat nothing: a request that is lost shows.
//
// The run takes ten seconds, both engines at once; ANYGATE_SOAK_TIME=10m is the full one, and only that one is long enough
// for growth to be told from warming up to a few MiB. Peers: Go's net/http before and behind, coder/websocket on both
// sides.
//
// # Stalls
//
// A turn of a loop that takes more than ten milliseconds is a stall, unless the thread stood ready and had no processor: on
// a machine that others use as well that says nothing of the loop. How long the threads of the process waited for one is
// in /proc/PID/task/TID/schedstat, which is read with every scrape. A long turn is excused if, while it may have
// been under way, a shard's thread waited for at least half of the time that long turns have taken at least; or if another
// thread of the process did, which a shard may have had to wait for while the collector stopped the world; or if the
// hypervisor took the processors for as long (steal in /proc/stat). The result tells these apart.
package soak
