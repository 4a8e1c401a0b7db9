package route

// The bounds of a HEAD. Every one is checked by ParseHead, so nothing after it
// has to: what exceeds them is a SyntaxError at load.
const (
	// MaxParams is how many ":name" segments a HEAD may have. It is the size of
	// the array in every Match.
	MaxParams = 16

	// MaxSegments is how many segments a HEAD's path may have. It bounds the
	// matcher's recursion.
	MaxSegments = 64

	// MaxHeadPath is how long a HEAD's normalised path may be, in bytes. A node's
	// label is at most this long.
	MaxHeadPath = 4096

	// MaxMethods is how many methods a HEAD may list.
	MaxMethods = 64

	// MaxHost is how long a host name may be, in bytes (RFC 1035, section 2.3.4,
	// without the trailing dot). A longer host in a request meets only the routes
	// without a host.
	MaxHost = 253

	// MaxTargets is how many upstreams one proxy action may name itself. More of
	// them belong in an entry of upstreams.
	MaxTargets = 256

	// maxUnixPath is what fits into sockaddr_un.sun_path with its final NUL.
	maxUnixPath = 107
)
