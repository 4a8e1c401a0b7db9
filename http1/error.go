package http1

// Error is the reason why bytes were refused. The zero value, OK, means that they were not. It is a value of one byte:
// comparing, storing and boxing it allocates nothing. Every error leaves the connection without a known state, so the
// connection is closed after the answer.
type Error uint8

// The reasons. A comment says what the peer sent.
const (
	OK Error = iota

	ErrIncomplete         // Parse was given less than a whole head, or more than one.
	ErrBadRequestLine     // The request line is not method SP request-target SP HTTP-version CRLF.
	ErrBadTarget          // The request-target has an invalid byte or percent-encoding, or does not fit the method.
	ErrRequestLineTooLong // The request line exceeds Limits.RequestLine.
	ErrUnsupportedVersion // The major version is not 1.
	ErrBadStatusLine      // The status line is not HTTP-version SP status-code [SP reason-phrase] CRLF.
	ErrHeadTooLarge       // The head exceeds Limits.HeadBytes.
	ErrTooManyFields      // The head has more than Limits.Fields field lines.
	ErrBadFieldName       // A field name is empty, is not a token, or its line has no colon.
	ErrBadFieldValue      // A field value holds a control byte other than HTAB.
	ErrSpaceBeforeColon   // There is whitespace between a field name and its colon.
	ErrObsFold            // A field line begins with whitespace.
	ErrBareCR             // A CR is not followed by LF.
	ErrBareLF             // An LF is not preceded by CR.
	ErrMissingHost        // An HTTP/1.1 request has no Host field.
	ErrRepeatedHost       // There is more than one Host field.
	ErrBadHost            // The Host field or the target's authority is empty or malformed.
	ErrBadContentLength   // Content-Length is not a single decimal number that fits 63 bits.
	ErrRepeatedLength     // There is more than one Content-Length field.
	ErrBadTransferCoding  // Transfer-Encoding is not exactly one "chunked", or its version or status forbids it.
	ErrFramingConflict    // Both Content-Length and Transfer-Encoding are present, or content that cannot be.
	ErrBadConnection      // A Connection field is not a list of tokens, or has too many.
	ErrExpectation        // The Expect field asks for something other than 100-continue.
	ErrBadChunkSize       // A chunk-size is not 1 to 16 hexadecimal digits, does not fit 63 bits, or is ill delimited.
	ErrBadChunkExtension  // A chunk extension is not ";" token [ "=" ( token / quoted-string ) ].
	ErrChunkLineTooLong   // A chunk-size line exceeds Limits.ChunkLine.
	ErrBadChunkEnd        // The data of a chunk is not followed by CRLF.
	ErrTrailerTooLarge    // The trailer section exceeds Limits.TrailerBytes or Limits.Fields.
	ErrTruncated          // The connection ended before the content did.

	numErrors
)

type errorInfo struct {
	code   string
	status uint16
}

var errorTable = [numErrors]errorInfo{
	OK:                    {"ok", 200},
	ErrIncomplete:         {"incomplete_head", 400},
	ErrBadRequestLine:     {"bad_request_line", 400},
	ErrBadTarget:          {"bad_request_target", 400},
	ErrRequestLineTooLong: {"request_line_too_long", 414},
	ErrUnsupportedVersion: {"unsupported_version", 505},
	ErrBadStatusLine:      {"bad_status_line", 400},
	ErrHeadTooLarge:       {"head_too_large", 431},
	ErrTooManyFields:      {"too_many_fields", 431},
	ErrBadFieldName:       {"bad_field_name", 400},
	ErrBadFieldValue:      {"bad_field_value", 400},
	ErrSpaceBeforeColon:   {"space_before_colon", 400},
	ErrObsFold:            {"obs_fold", 400},
	ErrBareCR:             {"bare_cr", 400},
	ErrBareLF:             {"bare_lf", 400},
	ErrMissingHost:        {"missing_host", 400},
	ErrRepeatedHost:       {"repeated_host", 400},
	ErrBadHost:            {"bad_host", 400},
	ErrBadContentLength:   {"bad_content_length", 400},
	ErrRepeatedLength:     {"repeated_content_length", 400},
	ErrBadTransferCoding:  {"bad_transfer_coding", 400},
	ErrFramingConflict:    {"framing_conflict", 400},
	ErrBadConnection:      {"bad_connection_option", 400},
	ErrExpectation:        {"unknown_expectation", 417},
	ErrBadChunkSize:       {"bad_chunk_size", 400},
	ErrBadChunkExtension:  {"bad_chunk_extension", 400},
	ErrChunkLineTooLong:   {"chunk_line_too_long", 400},
	ErrBadChunkEnd:        {"bad_chunk_end", 400},
	ErrTrailerTooLarge:    {"trailer_too_large", 431},
	ErrTruncated:          {"truncated_content", 400},
}

// Error returns the stable code of the reason, for logs and metrics.
func (e Error) Error() string {
	if e >= numErrors {
		return "unknown"
	}
	return errorTable[e].code
}

// Status returns the status code that a server answers a request with. For a response from an upstream the answer is
// 502 whatever the reason.
func (e Error) Status() int {
	if e >= numErrors {
		return 400
	}
	return int(errorTable[e].status)
}
