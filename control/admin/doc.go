// Package admin serves what operators ask of a running process: its numbers, its state, and the few things that it can be
// told to do. docs/admin.md describes it.
//
// # Threads
//
// It is an ordinary server of package net/http on goroutines of its own. What it needs of the process it asks for by a
// [Process], which is the only way in which it knows of shards.
//
// # Bytes
//
// Requests are small, and bounded; answers are as large as the configuration.
//
// It opens no socket, and never answers who has no right to ask: on addresses that other machines can reach a token is
// asked for, and where none is, requests have to come by a name of this machine, so that no page that a browser shows can
// send them. What changes something wants a field that no such page can send.
package admin
