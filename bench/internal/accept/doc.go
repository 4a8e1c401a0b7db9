// Package accept compares the ways in which the kernel can spread connections over shards: a listening socket for each
// shard, chosen by a hash of the addresses, by a random number or by the processor that the packet came in on, and one
// listening socket that all shards accept from.
//
// The server is the engine itself, in a process of its own (Main, reached through the benchmark's hidden command
// "accept-server"), with a protocol that answers whatever it receives and counts whom it has accepted. It is measured
// from outside like any other server. The package changes nothing about how the product listens.
package accept
