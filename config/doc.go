// Package config turns a configuration file into a typed, validated, immutable Config, or into diagnostics that name
// file, line and column of everything that is wrong with it.
//
// The language is that of docs/config.md: YAML, one readable line per route. Loading goes through these steps, each of
// which goes on after errors, so that one run reports them all:
//
//	source    the text of a file, and where its lines begin
//	syntax    a YAML syntax error becomes a diagnostic; the damaged lines are left out, and the rest is read
//	tree      YAML nodes become nodes that know the bytes they came from; aliases and ${NAME} are expanded here
//	sections  each section of the file is decoded and checked by a file of its own
//	tls       certificates and keys are read and judged by package certificate
//	routes    heads and actions are parsed by package route, policies by package policy; defaults are filled in
//
// Nothing here knows a socket or a clock. Parse reaches the world only through the functions of its Options; Load,
// ForDirectory and ForUpstream fill those in with the operating system's. All of it runs on ordinary goroutines at
// load time, never on a shard, and a Config is never changed after it was returned.
//
// What the language has but this version does not carry out is checked in full and then refused with "is not
// available in this version": a setting is never silently ignored.
package config
