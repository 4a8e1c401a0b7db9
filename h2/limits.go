package h2

// Every bound that is not configured, with what happens at it. Those on what a peer may cost are in budget.go.
const (
	// maxSettings is how many settings a SETTINGS frame may have. There are nine in all, some implementations add
	// reserved ones to see whether anybody minds. More are a connection error.
	maxSettings = 64
	// earlyContent is how much content a client that has upgraded is sent before it has said anything in HTTP/2. What
	// comes behind the 101 has to fit where clients keep what they have read of HTTP/1.1: in curl that is 32 KiB.
	earlyContent = 16 << 10
	// maxDebugData is how much of the debug data of a GOAWAY is shown to the owner. What is beyond is skipped.
	maxDebugData = 128
	// maxTable is the size of the dynamic table that is used to compress, however large a one the peer would keep.
	maxTable = 4096
	// blockFactor, times Limits.HeadBytes, is how large a header block may be before it is decoded. Up to there a
	// request that is too large is answered 431; beyond it the connection ends, because its blocks can be decoded in
	// order only, and all of them.
	blockFactor = 2
	// recentResets is how many streams that we have reset are remembered, so that what the peer had sent before it
	// knew is told from what it must not send. With more, those are given the benefit of the doubt.
	recentResets = 8

	// framesAfterReset is how many frames besides content a server may send for a stream that we have reset before it
	// knew: a head, trailers, a RST_STREAM of its own, an empty frame. mostExcuses bounds their sum.
	framesAfterReset = 4
	mostExcuses      = 4096
	// earlyPriorities is how many PRIORITY_UPDATE frames are kept for streams that have not begun. Of more the oldest
	// are forgotten.
	earlyPriorities = 4
	// keptBuffers is how many buffers of a size a Scratch keeps for the next connection in need.
	keptBuffers = 64
)
