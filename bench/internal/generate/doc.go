// Package generate is the load that wrk cannot make: requests at the times of an open-loop schedule, traffic mixed from
// a table, slow clients, and connections that stay idle.
//
// Its loop is one thread on raw non-blocking sockets and epoll, run by a process of its own (Main, reached through the
// benchmark's hidden command "generate"), so that neither the garbage collector nor another goroutine stands between a
// request and its clock. Every request is timed from the instant at which the schedule wanted it sent: a server that
// stalls is charged with the requests that queued up meanwhile, which is what "no coordinated omission" means. The time
// by which the generator itself was late is measured too and reported beside the latencies.
//
// What speaks TLS is made of goroutines and crypto/tls instead, and times nothing: there the server's processor time and
// memory are what counts, and that each handshake was of the kind that was asked for.
//
// The package never measures the server's costs and never starts a server.
package generate
