// Package policy holds the policies of the configuration language, one file each: limit, conns, body, timeout,
// headers, cors, allow, deny, auth, mtls, token, cache, compress, retry, balance and log.
//
// Every policy has the same shape. A parse function turns the words behind the policy's name into an immutable value,
// and reports every error that the configuration can contain with the range of bytes it stands at; the value's String
// method writes the one canonical line that parses to it again. What runs on a shard works on that value and meets no
// error that the configuration could have caused.
//
// Parsing runs at load, on ordinary goroutines. The package opens no files, reads no environment and no clock, and
// keeps no state: files and environment variables are named in the values and read by whoever compiles the
// configuration into a generation.
//
// A policy whose Available method says false is understood but has no effect in this version. Loading refuses it with
// a diagnostic, so that nobody believes a route to be protected by something that is not there.
package policy
