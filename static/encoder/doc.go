// Package encoder codes content: brotli (RFC 7932), Zstandard (RFC 8878) and
// gzip (RFC 1952) behind one type.
//
// The same content coded with the same [Level] is always the same bytes,
// whatever pieces it is written in: no header bears a time or a name, and no encoder
// starts a goroutine. It serves "anygate pack" and the coding of files while they are
// served, on the goroutine that calls it, and owns nothing but the memory of the
// encoder.
package encoder
