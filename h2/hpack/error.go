package hpack

// Error is the reason why a block cannot be decoded. After any of them the two ends have different tables, so that the
// connection has to be ended with COMPRESSION_ERROR (RFC 9113, section 4.3). The zero value, OK, means none.
type Error uint8

// The reasons. A comment says what the peer sent.
const (
	OK Error = iota

	ErrInteger      // An integer has more bytes than any value that can occur.
	ErrIndex        // An index is 0 or beyond the end of the dynamic table.
	ErrHuffman      // A string is no Huffman code, holds EOS, or is padded wrongly.
	ErrFieldTooLong // A field line is longer than MaxFieldLine.
	ErrTableSize    // A size update is larger than what was offered, or one that is due is missing.
	ErrLateUpdate   // A size update does not stand at the beginning of a block, or is one too many.

	numErrors
)

var errorCodes = [numErrors]string{
	OK:              "ok",
	ErrInteger:      "hpack_integer",
	ErrIndex:        "hpack_index",
	ErrHuffman:      "hpack_huffman",
	ErrFieldTooLong: "hpack_field_too_long",
	ErrTableSize:    "hpack_table_size",
	ErrLateUpdate:   "hpack_late_update",
}

// Error returns the stable code of the reason, for logs and metrics.
func (e Error) Error() string {
	if e >= numErrors {
		return "unknown"
	}
	return errorCodes[e]
}
