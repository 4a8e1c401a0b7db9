package hpack

const (
	// DefaultTableSize is the size of a dynamic table until SETTINGS_HEADER_TABLE_SIZE says otherwise (RFC 9113, section
	// 6.5.2).
	DefaultTableSize = 4096
	// MaxTableSize is the largest table that a Decoder can offer: lengths in an entry have 16 bits.
	MaxTableSize = 1 << 16
	// MaxFieldLine is the longest field, as the line that HTTP/1.1 has for it. A longer one ends the connection, as it could
	// be in no head (http1.MaxHeadBytes). It bounds what one call of Decoder.Next may write, whatever the peer sends.
	MaxFieldLine = 1<<16 - 1

	// entryOverhead is what an entry counts beyond its name and value (RFC 7541, section 4.1).
	entryOverhead = 32
	// maxSizeUpdates is how many size updates one block may begin with (RFC 7541, section 4.2).
	maxSizeUpdates = 2

	// encoderTableSize is how much of the peer's table an Encoder uses at most. The entries that pay off are those that occur
	// in every message, some ten to fifteen.
	encoderTableSize = 1024
	// encoderEntries is how many entries fit it.
	encoderEntries = encoderTableSize / entryOverhead
	// maxRemembered is the longest name and value together that an Encoder remembers, so that one field cannot push out most
	// others.
	maxRemembered = 160
)
