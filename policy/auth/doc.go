// Package auth checks credentials, for the policy auth: users with passwords of
// a file (RFC 7617), and tokens (RFC 6750, or a field of any name).
//
// Tokens are compared by their digests, all of them whichever matches, in a time
// that tells nothing of them. Passwords are hashed with functions that are slow
// by intent: Check may take a second, and is not to be called by whoever serves
// others. Users remembers what it has found right under a keyed digest, so that
// all requests but the first of a client cost two SHA-256; a user who does not
// exist costs as much as one who does.
//
// A Tokens or Users is what was read of one version of a file, and may be used
// by any number of goroutines. The package has no sockets and no clocks.
package auth
