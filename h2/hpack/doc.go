// Package hpack is HPACK (RFC 7541), the compression of field sections in HTTP/2: a Decoder for one direction of a
// connection, an Encoder for the other.
//
// It is made for a proxy that holds many connections on one thread and speaks HTTP/1.1 on its other side:
//
//   - What a field's name is and whether the field is valid in HTTP/2 is found out once, when its text is decoded, and kept
//     with the entry of the table. A field that refers to an entry costs neither a look-up nor a check.
//   - A table holds each field as the line that HTTP/1.1 would have for it, so that a request is composed by copying lines
//     (http1.Composer).
//   - An Encoder remembers only what is worth it, uses a small part of the table that the peer offers, and can forget it at
//     any time without a word to the peer, so that an idle connection holds none of it.
//
// # Who owns which bytes
//
// The caller owns blocks. A decoded Field is a place that one thread uses for all its decoders; what it says of a field is
// valid until the next call with the same place or the same Decoder. Encoders append to the caller's buffer and keep copies
// of what they remember.
//
// # Order
//
// Both ends of a connection change their tables with each block, in the order in which blocks are sent. So each block that
// comes has to be decoded, also for a stream that nobody cares for any more, and what an Encoder has appended has to be sent.
//
// # What it never does
//
// It opens no socket, reads no clock, and keeps no state outside its values; its only globals are tables that are complete
// before main runs. It allocates nothing once tables and places have the size that a connection needs. It does not bound the
// sum of the fields of a block, which is the caller's to bound by Field.Size or by the limits of an http1.Composer.
package hpack
