package proxy

import "time"

const (
	// maxIdle is how many idle connections a shard keeps to one member; more
	// are closed when their response has ended.
	maxIdle = 512

	// idleTime is how long a connection stays idle before it is closed.
	idleTime = 60 * time.Second

	// failTime is for how long a member that could not be connected to is
	// passed over, unless all others have failed too.
	failTime = 5 * time.Second

	// maxTries is how many members one request tries to connect to before it
	// is given up.
	maxTries = 8

	// interimLimit bounds the 1xx responses of one request.
	interimLimit = 16

	// contentWindow is how much content of a request may wait to be taken by
	// the upstream, and contentLow when the client may send more.
	contentWindow = 128 << 10
	contentLow    = 64 << 10

	// bulkSize is from how many bytes of content on it is received in large
	// pieces.
	bulkSize = 24 << 10

	// headRoom is what AppendRequest adds to a head at the most, beside
	// what it copies: the names of the fields that tell of the client, its
	// address, and the framing.
	headRoom = 512
)
