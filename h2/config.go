package h2

import "github.com/anygate/anygate/http1"

// Config is what one end announces and enforces. It is shared by many connections and does not change while any of them
// is open.
type Config struct {
	// Streams is how many streams the peer may have open at a time (SETTINGS_MAX_CONCURRENT_STREAMS). A client opens at
	// most as many, too. Streams count until they are released.
	Streams uint32
	// Window is how much content may come on a stream before any of it is granted (SETTINGS_INITIAL_WINDOW_SIZE), and
	// so how much of a stream the owner has to be able to hold; ConnWindow is that of all streams together. At least
	// MinWindow each: before a peer has read the settings it sends as much.
	Window, ConnWindow uint32
	// FrameSize is the largest frame that is accepted (SETTINGS_MAX_FRAME_SIZE), 16384 at least.
	FrameSize uint32
	// TableSize is the peer's dynamic table for header compression (SETTINGS_HEADER_TABLE_SIZE); at most 4096 are used
	// for ours.
	TableSize uint32
	// HTTP bounds heads (HeadBytes, which is also announced as SETTINGS_MAX_HEADER_LIST_SIZE, and Fields) and trailers.
	HTTP http1.Limits
	// ExtendedConnect announces RFC 8441 (Server).
	ExtendedConnect bool
	// Budget bounds what a peer may cost without getting anywhere; see Budget.
	Budget Budget
}

// MinWindow is the window that every connection and stream begins with (RFC 9113, section 6.9.2).
const MinWindow = 65535

// DefaultConfig is what a server starts from when its configuration is silent.
var DefaultConfig = Config{
	Streams:         128,
	Window:          MinWindow,
	ConnWindow:      1 << 20,
	FrameSize:       16384,
	TableSize:       4096,
	HTTP:            http1.DefaultLimits,
	ExtendedConnect: true,
	Budget:          DefaultBudget,
}
