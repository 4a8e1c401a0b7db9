package gateway

import "time"

const (
	// pipeContent is from how many bytes of a request's content on it is
	// received into a pipe, where the action passes it on.
	pipeContent = 128 << 10

	// outputMost is how much output of a connection may wait to be sent
	// before its sources pause, while buffers are plenty; a quarter of it at
	// each step of their pressure. They go on when one outputLow-th is left.
	outputMost  = 256 << 10
	outputLow   = 4
	outputLeast = outputMost >> 4 // at the highest pressure

	// outputExcess is how much more output an HTTP/2 connection may have before
	// it is not received from: heads and the codec's own frames, which no window
	// holds back.
	outputExcess = 64 << 10

	// h2Copy is the largest DATA frame, without its header: the least that
	// every client takes, and what is copied into the output in one piece.
	h2Copy = 16 << 10

	// h2HeadSlots is how many encoded heads of responses a shard keeps, for
	// those with at most h2HeadMost bytes of field lines. A head that is in use
	// keeps its place against h2HeadWorth others.
	h2HeadSlots = 512
	h2HeadMost  = 1 << 10
	h2HeadWorth = 3

	// h2KeptPieces is up to how many pieces of queued content the room is kept
	// for the next stream with the same record.
	h2KeptPieces = 16

	// h2DrainPatience is how long a client is given to read the first GOAWAY
	// of a drain, and say so, before the second names the last request that is
	// served.
	h2DrainPatience = time.Second

	// retireQuiet is how long the client of a connection that has to go must have
	// sent nothing before it is closed without a last response; see retire.
	retireQuiet = 5 * time.Second

	// lagPatience is for how long turns have to be too long before requests are
	// turned away for it.
	lagPatience = 250 * time.Millisecond

	// shedding bounds how many connections are looked at in a second, to give
	// up those that do not read, when buffers are nearly out, and sheddingStreams
	// how many streams of HTTP/2 are given up.
	shedding        = 512
	sheddingStreams = 2048

	// discardLimit is how much content of a request that nobody wants is
	// read, so that the connection can go on; beyond, it is closed after the
	// response.
	discardLimit = 256 << 10

	// contentWindow is how much content of a request an action that keeps it
	// short asks for at a time.
	contentWindow = 64 << 10

	// headRoom is what the codec adds to the fields of a response: status
	// line, date, server, framing, and the state of the connection.
	headRoom = 512

	// copyImage is up to how large a prebuilt response is written in one piece.
	copyImage = 60 << 10

	// chunkRoom holds any chunk header.
	chunkRoom = 32

	// keptTrailer is up to how large the room for a trailer section is kept
	// for the next connection in the same place.
	keptTrailer = 512

	// bulkContent is from how much content of a request on it is received in
	// large pieces.
	bulkContent = 24 << 10

	// fileWaits is how many requests of a shard may wait for the file system; a further
	// one is answered with 503.
	fileWaits = 4096

	// filePatience is how long one may wait before it is answered with 503.
	filePatience = 10 * time.Second

	// listings is how many directories a shard lists at a time; a request for
	// another is answered with 503.
	listings = 8

	// listingPatience is how long the reading of a directory may take before
	// its client is answered with 503.
	listingPatience = 10 * time.Second

	// listingPiece is how much of a listing is given to a codec at a time.
	listingPiece = 16 << 10

	// redemptions is how many tokens a shard has verified at a time; a request
	// with another is answered with 503.
	redemptions = 256

	// redemptionPatience is how long the verification of a token may take
	// before its client is answered with 503.
	redemptionPatience = 10 * time.Second

	// keptHead is up to how large the room for a head that waits is kept for
	// the next one.
	keptHead = 4 << 10

	// echoContent is how much of a request's content the echo action shows.
	echoContent = 4 << 10

	// codedStreams is how many responses a shard codes at a time, each with
	// about one MiB of tables; others are sent as they are.
	codedStreams = 128

	// authChecks is how many passwords of requests of a shard may wait to be
	// checked; a further request is answered with 503. authParallel is how many
	// are checked at a time by the process, authKnown for how long one is known
	// then.
	authChecks   = 64
	authParallel = 2
	authKnown    = 10 * time.Minute

	// requestLines and responseLines are how long the lines that a policy adds
	// to a head may be where they have variables. A request that would need more
	// is answered with 431, since its upstream may take what is missing for an
	// answer; of a response the lines that are too much are left out.
	requestLines  = 32 << 10
	responseLines = 16 << 10

	// hostMost bounds the host that a trusted peer may say the client has
	// asked for (RFC 1035, section 2.3.4, and a port).
	hostMost = 255 + 6
)
