package proxy

import (
	"time"

	"github.com/anygate/anygate/engine"
)

const (
	// maxIdle is how many idle connections a shard keeps to one member; more
	// are closed when their response has ended.
	maxIdle = 512

	// maxStreams is how many requests a connection of HTTP/2 carries at a time,
	// if nothing else is said; the member may allow less. A request that finds
	// no room on those that are there gets a new connection.
	maxStreams = 100

	// streamWindow is how much content of one response may come before its
	// client has taken any: what waits for a client that does not read.
	streamWindow = 128 << 10

	// outputHigh is how much may wait on a connection of HTTP/2 before content
	// of requests is held back, and outputLow when more is sent.
	outputHigh = 256 << 10
	outputLow  = 64 << 10

	// pingTime is how long a member may take to answer a PING before its
	// connection is given up.
	pingTime = 10 * time.Second

	// lingerTime is how long the rest of a tunnel's bytes may take to its
	// upstream once both sides have ended.
	lingerTime = 10 * time.Second

	// idleTime is how long a connection stays idle before it is closed.
	idleTime = 60 * time.Second

	// failTime is for how long a member that could not be connected to is
	// passed over, unless all others have failed too.
	failTime = 5 * time.Second

	// maxTries is how many members one request tries to connect to before it
	// is given up.
	maxTries = 8

	// replayBytes is how much content of a request is kept so that it can be
	// sent again; of one that has more, none is.
	replayBytes = engine.LargeBuffer

	// leastRepeats is how many requests of a shard may be repetitions
	// whatever the budget says.
	leastRepeats = 3

	// stateAge is how old what a shard knows of the members of an upstream
	// may be that has more than fewMembers; of others it is looked at in
	// every turn.
	stateAge   = 5 * time.Millisecond
	fewMembers = 16

	// lookTime is after how long a shard with waiting calls looks again
	// whether there is something for them: what another had for it was not
	// sent if its inbox was full.
	lookTime = 100 * time.Millisecond

	// lendTime is how often, while calls wait on both sides, a shard gives a
	// connection to one that has just one less.
	lendTime = 10 * time.Millisecond

	// warmTime is how often connections are opened beforehand, warmBatch how
	// many of a member at a time, warmConnect how long each may take.
	warmTime    = time.Second
	warmBatch   = 8
	warmConnect = 5 * time.Second

	// trialTime is how long the one request that a half-open breaker has let
	// through keeps others out, if nothing comes of it.
	trialTime = time.Second

	// interimLimit bounds the 1xx responses of one request.
	interimLimit = 16

	// contentWindow is how much content of a request may wait to be taken by
	// the upstream, and contentLow when the client may send more.
	contentWindow = 128 << 10
	contentLow    = 64 << 10

	// bulkSize is from how many bytes of content on it is received in large
	// pieces.
	bulkSize = 24 << 10

	// maxGRPCTimeout bounds what a client of gRPC gives as its deadline; a
	// longer one is none.
	maxGRPCTimeout = 365 * 24 * time.Hour

	// offerLimit bounds the protocols that a request offers to switch to; a
	// longer list is not passed on.
	offerLimit = 64

	// flowLevels is after how many large pieces in a row a tunnel's bytes are
	// received in bulk, and after how many small ones no longer.
	flowLevels = 8

	// headRoom is what AppendRequest adds to a head at the most, beside
	// what it copies: the names of the fields that tell of the client, its
	// address, and the framing.
	headRoom = 576

	// relayRoom is what it adds besides where there is a peer between the
	// client and us.
	relayRoom = 256
)
