// Package discovery finds the addresses of upstreams that are given by name,
// and keeps them up to date: a name is resolved again when its TTL has run
// out, and who watches it is told when its addresses have changed.
//
// It belongs to the control plane: goroutines, sockets and locks are ordinary.
// It has a resolver of its own, because the one of package net does not tell
// the TTL. That resolver is a stub as glibc's is: it heeds /etc/hosts and
// /etc/resolv.conf, asks the name servers listed there over UDP, and over TCP
// what does not fit, and follows CNAMEs. It has no cache and does not validate
// DNSSEC; both are the business of the name server. Other sources of names
// that a system may be set up for (nsswitch.conf) are not asked.
//
// What has been found is never given up for nothing: as long as a name cannot
// be resolved, or is said not to exist, or to have no address, its last good
// addresses stay.
package discovery
