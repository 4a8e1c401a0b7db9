package proxyproto

const (
	// maxV1 is the longest header of version 1, its CRLF included (section 2.1). A longer one is an error as soon as it
	// is known to be longer.
	maxV1 = 107

	// MaxLength is the longest header that is accepted or written, of either version. Version 2 could state up to 65,551
	// bytes; the most that is said in practice is a client's certificate name and some identifiers. A header that states
	// more is refused when its first 16 bytes are there, so that no sender makes the receiver keep more than this.
	MaxLength = 4096

	// maxUniqueID is the longest value of UNIQUE_ID (section 2.2.5).
	maxUniqueID = 128
)
