// Package privacypass is the origin's side of Privacy Pass: it challenges clients for a token of an issuer (RFC 9577),
// and verifies the tokens that they redeem (RFC 9578). How issuer, client and origin belong together is RFC 9576.
//
//	challenge    the TokenChallenge, and the field that carries it
//	token        the token of an Authorization field
//	key          the issuer's keys: blind RSA (token type 2) and VOPRF P-384 (token type 1)
//	policy       what a route asks for, and which tokens answer it at a time
//	redemption   the verification of one token
//	spent        the tokens that were redeemed already
//
// A Policy is immutable once it is made, but for a copy of the challenge of the current window, which whoever finds it
// outdated replaces. Field and Accept run on the shards, allocate nothing while the window lasts, and do not verify:
// they compare digests. Run verifies, which takes from 30 microseconds to a millisecond, and is for other threads.
//
// The package opens no files, reads no clock and starts no goroutine; keys come as bytes, time as an argument. It does not
// issue tokens.
package privacypass
