// Package top shows in a terminal what a running AnyGate does: its routes, upstreams, shards and faults, as the admin API
// tells of them, with rates between one answer and the next.
//
// # Threads
//
// One goroutine draws; asking happens on others. The text of a screen is a function of two answers, without a terminal.
//
// # Bytes
//
// Names come from another process: what could be an escape sequence of the terminal is shown as a question mark.
//
// It changes nothing in the process that it watches.
package top
