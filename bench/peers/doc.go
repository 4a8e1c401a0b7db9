// Package peers knows the servers that the benchmark compares: how to find or build each one, and how to configure it
// for the same site as all the others.
//
// A peer is one small file and, where it needs one, a configuration template beside it, written as someone would write
// it who wants that peer to win. All of them serve the same paths: /fixed (two bytes from memory), /static/ (files),
// /coded/ (files that are sent with a content coding), and /proxy/, which is passed to the upstream with its path unchanged.
//
// The package starts nothing; it says what to start. It never changes a configuration by what is being measured, the
// floor excepted, which is told what to answer because it cannot read.
package peers
