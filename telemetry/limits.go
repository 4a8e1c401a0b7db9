package telemetry

import "time"

// The bounds of this package, each with what happens when it is reached.
const (
	// DefaultRingBytes is the size of a shard's ring: some four thousand access lines. When it is half full the Writer is
	// told; when it is full the shard drops lines and counts them.
	DefaultRingBytes = 1 << 20

	// minRingBytes is the smallest ring: the longest line must fit twice, because a line never wraps around the end.
	minRingBytes = 4 * MaxLine

	// MaxLine is the room that any line fits into. It follows from the limits below, as TestMaxLine shows.
	MaxLine = 8 << 10

	// The longest values of a line in bytes, as escaped. A longer one is cut and ends in "...".
	maxTarget  = 2048
	maxReferer = 1024
	maxAgent   = 512
	maxRoute   = 512
	maxHost    = 256
	maxUser    = 128
	maxReason  = 256
	maxPeer    = 128 // of a unix socket it is empty
	maxMethod  = 64
	maxVersion = 16

	// MaxLogFields is how many further fields of requests a line may have; their names and values are cut like all others.
	MaxLogFields  = 8
	maxFieldName  = 64
	maxFieldValue = 192

	// maxMessage is the same for the message of an error line, maxValue for the value of one of its fields, and
	// maxFields is how many fields are written; more are left out.
	maxMessage = 1024
	maxValue   = 512
	maxKey     = 32
	maxFields  = 10

	// idlePoll is how long the Writer rests when it found all rings empty. It is how late a shard's line may be.
	idlePoll = 100 * time.Millisecond

	// maxRounds is how often the Writer goes through rings that fill as fast as it empties them before it looks up.
	maxRounds = 16

	// retryAfter is how long a destination that refuses lines is left alone.
	retryAfter = time.Second

	// lossInterval is how often lost lines are told at most.
	lossInterval = time.Second
)
