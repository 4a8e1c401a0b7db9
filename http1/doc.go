// Package http1 is the HTTP/1.1 codec of RFC 9110 and RFC 9112: it parses requests on the server side and
// responses on the client side, decodes message bodies, and serialises the pieces of a message.
//
// Everything here is a function of bytes and values. The package opens no socket, reads no clock, starts no
// goroutine and keeps no state outside the values it is handed; its only globals are tables that are complete before
// main runs. A Request, a Response, a Trailer or a Body may be used by one thread at a time, which is the shard that
// owns it; they may live on any thread.
//
// # Who owns which bytes
//
// The caller owns every byte. A parsed head refers to the caller's buffer by offsets (Span), so the buffer has to stay
// in place and unchanged for as long as the head is read. The only pointer kept is Head.Buf, which the caller may clear
// with Reset. Body keeps no pointer at all: what Next returns aliases its argument.
//
// # How a connection uses it
//
// The common case is that a whole head arrives in one read, so that Request.Scan parses it in place in one pass:
//
//	n, err := req.Scan(b, &limits)
//	switch {
//	case err != http1.OK: // answer err.Status(), close
//	case n == 0:          // incomplete: keep the bytes, find the end with HeadEnd as more arrive, then Scan once more
//	default:              // the head is b[:n]; the content or the next request follows
//	}
//
// HeadEnd takes up where it left off, so the work is linear however the bytes are split; Incomplete says when a head
// that has not ended is already too long. Bytes after the head belong to the content, which Body decodes, and then to
// the next request of the pipeline.
//
// # Messages of HTTP/2
//
// A Composer makes the same Request, Response or TrailerSection of fields that were decoded one by one, so that all that
// works on a head works for HTTP/2 too. The lines that it writes are those that HTTP/1.1 would have, one behind the other.
//
// # What it refuses
//
// Two parties that disagree about where a message ends can be played against each other (request smuggling), so
// whatever RFC 9112 leaves to the recipient's leniency is refused here: both framings, repeated or malformed
// Content-Length, any transfer coding but a single "chunked", bare CR or LF, obs-fold, whitespace before a colon, and
// the like. Error lists every reason with its status. Requests and responses are held to the same rules. After any
// error the connection has no known state and must be closed.
//
// # What it never does
//
// It allocates nothing once a head's field table has been made, decodes no percent-encoding, folds no case in place,
// joins no repeated fields, and decides nothing about routing, policies or time-outs.
package http1
