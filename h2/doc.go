// Package h2 is the HTTP/2 codec of RFC 9113: the frames, streams, windows and settings of one connection, as either
// of its ends. Header compression is package hpack; the meaning of a head is package http1's, whichever version of HTTP
// brought it. With RFC 8441 (extended CONNECT) and RFC 9218 (priorities); the priorities of RFC 7540 are ignored.
//
// Everything here is a function of bytes and values. The package opens no socket, reads no clock and starts no
// goroutine. A Conn and its Scratch belong to one thread, which is the shard's.
//
// # Receiving
//
// The owner hands over what has come, and is told of at most one event at a time. Nothing of p is needed afterwards:
// what a receive cuts in two is kept by the Conn, and DATA is passed on in the pieces it comes in.
//
//	for {
//		n := c.Next(p, &ev)
//		p = p[n:]
//		if ev.Kind == h2.EventNone {
//			break // p is empty
//		}
//		handle(&ev)
//	}
//
// # Sending
//
// Frames that the codec owes by itself (SETTINGS and PING acknowledgements, WINDOW_UPDATE, RST_STREAM, GOAWAY) go to
// Scratch.Out. The Append functions write to any dst, but the order of frames matters, so the owner appends to
// Scratch.Out as well, or empties it first. It must be empty before another Conn of the shard is called:
//
//	sc.Out = c.AppendResponse(sc.Out, s, &head, false)
//	sc.Out = c.AppendDataHeader(sc.Out, s, len(content), true)
//	sc.Out = append(sc.Out, content...)
//	... once a turn: write(sc.Out); sc.Out = sc.Out[:0]
//
// # Streams
//
// A Stream belongs to the owner from the event that begins it, or from Open, until Release; in the meantime it counts
// against the limit of concurrent streams, whatever the peer thinks of it. So a client that resets its streams as fast
// as it opens them (rapid reset) cannot have more work under way than one that waits.
//
// # Flow control
//
// Content that was delivered takes up room in the windows until the owner says with Grant that it has disposed of it.
// What has been delivered and not granted is therefore never more than the windows announced, per stream and per
// connection.
//
// # What it never does
//
// It allocates nothing in steady state, buffers no content, and decides nothing about requests beyond what makes them
// malformed.
package h2
