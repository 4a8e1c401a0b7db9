// Package coding decides which content coding (RFC 9110 8.4) a representation is
// sent in.
//
// It reads Accept-Encoding, chooses among the codings that are at hand, knows
// which media types are worth coding, when the result pays, and how the entity
// tag of a coded representation is written. It is functions of bytes and
// values: it compresses nothing, opens nothing, keeps nothing and allocates
// nothing.
package coding
