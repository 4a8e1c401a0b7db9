// Package integration tests the anygate binary from the outside, against programs that others wrote: curl asks for every
// feature, nginx stands behind it and beside it, Chromium loads a site from it, wrk puts load on it, and raw connections
// break every rule.
//
// Every test runs on both engines, unless ANYGATE_TEST_ENGINES (a list of io_uring and epoll) says otherwise; a missing
// engine or program is a failure, never a skip. ANYGATE_TEST_BINARY tests a given binary instead of building one.
//
// Tests that measure (time under load, memory) run alone; the others call t.Parallel.
package integration
