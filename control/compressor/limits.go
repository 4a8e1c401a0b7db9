package compressor

import "time"

// The bounds of this package, each with what happens at it.
const (
	// queueSlots is how many jobs may wait. A further one is refused, and may be asked
	// for again a second later.
	queueSlots = 128

	// maxWorkers is how many forms are made at a time at most, and processorsPerWorker
	// for how many processors there is one worker: beside shards that have a
	// processor each there is not much to be had.
	maxWorkers          = 4
	processorsPerWorker = 4

	// workerShare is the part of one processor's time that a worker takes in
	// the long run, and workerBurst what it may take beyond that at once, after as
	// much rest.
	workerShare = 0.25
	workerBurst = 500 * time.Millisecond

	// chunk is how much content is coded between two looks at the budget: some
	// milliseconds' worth.
	chunk = 64 << 10

	// keepEncoders is for how long an idle worker keeps its encoders, which are
	// some megabytes.
	keepEncoders = 5 * time.Second
)
