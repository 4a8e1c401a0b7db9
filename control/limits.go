package control

import "time"

// The bounds of this package, each with what happens at it.
const (
	// resolveTime bounds the look-up of the names of all upstreams. A name that has no address by then is an error.
	resolveTime = 5 * time.Second

	// resolveParallel is how many names are looked up at a time; the others wait.
	resolveParallel = 16

	// maxShards is how many shards there are at most, whatever the machine has.
	maxShards = 1024

	// maxShardConnections is the largest connection table of a shard. Its memory is not touched before it is used.
	maxShardConnections = 1 << 20

	// spareDescriptors is how many descriptors are kept for what is not a connection: standard streams, files of the
	// configuration, resolver sockets. shardDescriptors is the same for each shard: ring, eventfd, sockets that listen.
	spareDescriptors = 64
	shardDescriptors = 16

	// minShardConnections is what a shard can do with; fewer descriptors are an error.
	minShardConnections = 16

	// upstreamShare is the part (one in upstreamShare) of a shard's connections that no client may take when a route is
	// a proxy. Most clients of a large number are idle, and an idle client holds no upstream connection. A request that
	// finds none left, neither idle nor to be opened, is answered with 503.
	upstreamShare = 4

	// maxShardPipes bounds the pipes that a shard moves proxied content through, of two descriptors each, and pipeShare
	// the part (one in pipeShare) of a shard's descriptors that there may be of them. Without one, content goes through
	// buffers.
	maxShardPipes = 256
	pipeShare     = 64

	// maxFiles and minFiles are between how many files are kept open for static routes, and fileShare is the part (one
	// in fileShare) of the descriptors that is theirs. Files that are not worth keeping are opened again for each request.
	maxFiles  = 65536
	minFiles  = 16
	fileShare = 8

	// maxFileBytes bounds the memory for small static files when the configuration says nothing, and fileMemoryShare is
	// the part (one in fileMemoryShare) of the memory that they may take. It is not touched before there are so many.
	maxFileBytes    = 256 << 20
	fileMemoryShare = 16

	// maxFormBytes bounds the coded forms of static files that are made while serving and are longer than what is kept
	// in that memory, and formShare the part (one in formShare) of the memory that they may take. Where all are asked for
	// often, further files are sent as they are.
	maxFormBytes = 64 << 20
	formShare    = 32

	// formFileShare is the part (one in formFileShare) of the descriptors for static files that longer forms may take;
	// without one a file is sent as it is.
	formFileShare = 8

	// maxLimiterBytes bounds the places of all limits of rates that count by address or header field, and limiterShare
	// the part (one in limiterShare) of the memory that they may take. Each limit has as many as there is room for, from
	// minLimiterKeys to maxLimiterKeys; where more keys are at work, they share (see limiter.Table). The places of what is
	// counted while it is under way are bounded in the same way, apart from these (see limiter.Tally).
	maxLimiterBytes = 64 << 20
	limiterShare    = 64
	minLimiterKeys  = 4 << 10
	maxLimiterKeys  = 256 << 10

	// memoryLook is how often the memory is looked at. From shedAbove percent of what there is new requests are answered
	// with 503, until it is less than shedBelow percent.
	memoryLook = 250 * time.Millisecond
	shedAbove  = 95
	shedBelow  = 90

	// maxSecretBytes bounds a file of passwords or tokens, secretsEvery is how often it is looked at.
	maxSecretBytes = 4 << 20
	secretsEvery   = 2 * time.Second

	// spanRingBytes is the room of each shard for spans that wait to be sent, some thousand, and spansClose how long the
	// last ones may take.
	spanRingBytes = 512 << 10
	spansClose    = 3 * time.Second

	// memoryShare is the part (one in memoryShare) of the memory that is ours which buffers may take when the
	// configuration says nothing.
	memoryShare = 4

	// maxShardBuffers bounds that part for one shard: more has no use.
	maxShardBuffers = 512 << 20

	// minSmallBuffers and minLargeBuffers are the fewest buffers of a shard: what the kernel holds to receive into, and
	// as many again to send from. A smaller configured limit is raised to them.
	minSmallBuffers = 1024
	minLargeBuffers = 64

	// jobSlots is how many jobs of shards may wait, a power of two, tokens to be verified say; a further one is refused, and its
	// request answered with 503. maxJobWorkers is how many are done at a time at most, and processorsPerJobWorker for how many
	// processors there is one worker.
	jobSlots               = 1024
	maxJobWorkers          = 16
	processorsPerJobWorker = 2

	// minHeapLimit is the smallest soft limit of the Go heap. Below it the collector would run all the time.
	minHeapLimit = 64 << 20

	// gcPercent lets the heap grow to five times what is in use before it is collected. What is in use is a few MiB of
	// configuration, and a collection disturbs every shard; buffers and connections are not on the heap.
	gcPercent = 400

	// askTime is how long a shard may take to answer a question of how it is; one that does not is reported as silent, with
	// the numbers from before. askPoll is how often it is looked whether all have, and measureAge for how long everybody
	// who asks is told the same, so that asking often costs the shards nothing.
	askTime    = time.Second
	askPoll    = 200 * time.Microsecond
	measureAge = 200 * time.Millisecond

	// walkPlaces is how many connections a shard describes in one turn, and walkTime bounds all of them together.
	walkPlaces = 1024
	walkTime   = 5 * time.Second

	// ownRing is the size in bytes of the ring for what is said outside of requests: some thousand lines, as many as there are
	// when all certificates of a large host are replaced at once. The Writer may not come to run meanwhile, or its destination be
	// slow.
	ownRing = 256 << 10

	// logClose is how long the logs get to write what they hold when the process ends.
	logClose = 2 * time.Second

	// logMove is how long a reload waits for a log to leave the destination that it had. One that does not move is not waited
	// for any longer.
	logMove = 2 * time.Second

	// signalRepeat is how long after the first signal further ones mean the same request: supervisors signal a process
	// and its group, or ask twice.
	signalRepeat = time.Second

	// orderTime is how long a shard may take to answer, to carry out an order, or to end. A configuration is not loaded while one
	// takes longer to answer; one that hangs after that takes it up when it goes on, and is not waited for. The process ends
	// without one that takes longer to end.
	orderTime = 10 * time.Second

	// orderPoll is how often it is looked whether the shards have carried out an order.
	orderPoll = time.Millisecond

	// deafTime is for how long the sockets of an address that is no longer listened on go on, without taking anybody new.
	// A connection that has begun and sent nothing is handed over after a second; see engine.DeferAccept.
	deafTime = 1300 * time.Millisecond

	// maxToldLines bounds what a reload says in the log of changes, and of errors.
	maxToldLines = 50

	// filesPoll is how often the files of a configuration are looked at that is to be loaded when they change.
	filesPoll = time.Second

	// maxHandover bounds what a process takes of the one before, in bytes: far more than sockets and secrets need. What is
	// longer is not taken, and ends the start.
	maxHandover = 256 << 20

	// upgradeTime is how long another process gets to say that it serves. One that has not by then is ended, and this
	// one stays.
	upgradeTime = time.Minute

	// heirEndTime is how long a process that is killed may take to end. The kernel may be busy on its behalf.
	heirEndTime = 5 * time.Second

	// drainPoll is how often draining looks whether connections are left.
	drainPoll = 10 * time.Millisecond
)
