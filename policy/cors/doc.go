// Package cors lets pages of other origins use a route, for the policy cors
// (https://fetch.spec.whatwg.org/#http-cors-protocol).
//
// An origin is compared byte by byte with those of the policy, as browsers
// serialise it (RFC 6454, section 6.2); one of the policy whose host begins
// with "*." stands for every name below it. Nothing is ever reflected that did
// not match.
//
// A Policy is immutable, and may be used by any number of goroutines. It has no
// sockets, clocks or state.
package cors
