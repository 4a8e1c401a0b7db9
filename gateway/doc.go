// Package gateway is where a request becomes a response: it ties the codec of
// a client's connection to the router and the action of the matched route.
//
// An [Exchange] is one request and its response. Actions know only it; a
// [Codec] is the client's protocol as an exchange sees it, with one exchange
// at a time (HTTP/1.1) or many (HTTP/2). Content flows by credit in both
// directions: an action grants the client bytes with Want, the client's side
// tells how much it takes with Room, so that the slower side stops the faster
// one and memory stays bounded.
//
// Everything here runs on the shard's thread and belongs to one [Gateway],
// which is one shard's; only [Generation], which is immutable, is shared.
// Bytes of a request are borrowed from the receive buffer and are gone when
// the call that brought them returns; an action that needs them longer copies
// them.
package gateway
