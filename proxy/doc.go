// Package proxy passes requests on to upstreams over HTTP/1.1 and HTTP/2:
// per-shard pools of keep-alive connections, balancing, rewriting of heads, and
// the relay of content in both directions with back-pressure.
//
// Everything runs on the shard's thread, except what builds a [Plan]. A [Call]
// is one request on its way to an upstream and back; the exchange it belongs
// to is known only as a [Downstream], so that the relay does not depend on the
// client's protocol. Bytes of content are borrowed from the engine's receive
// buffer and handed on in the same call; this package holds the head of a
// request for as long as it may have to be repeated, and nothing else.
package proxy
