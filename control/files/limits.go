package files

import "time"

// The bounds of this package, each with what happens at it.
const (
	// queueSlots is how many questions may wait, a power of two. Who asks a further one
	// is answered with 503.
	queueSlots = 4096

	// maxWorkers is how many look into the file system at a time: as many places of it
	// may hang before others have to wait.
	maxWorkers = 64

	// readSlots is how many parts of files may wait to be read, a power of two. A
	// connection that needs a further one asks again a little later.
	readSlots = 4096

	// maxReaders is how many parts of files are read at a time.
	maxReaders = 64

	// sweepPause is how long what was dropped waits for readers to come by, between two
	// looks; tick is the pause while nothing was dropped, and ageParts how many of them
	// it takes to look at all entries once.
	sweepPause = 5 * time.Millisecond
	tick       = 100 * time.Millisecond
	ageParts   = 100

	// replyPause is how long a reply waits that found a shard's inbox full, and a look for a
	// file whose root is being replaced.
	replyPause = time.Millisecond

	// closePatience is how long Close waits for what looks into a file system.
	closePatience = 2 * time.Second

	// rootPause is the time between two looks at what the paths of roots name.
	rootPause = 250 * time.Millisecond

	// noticePause is how long events are collected: a deployment of thousands of files
	// is a few notices. A change is seen that much later.
	noticePause = 50 * time.Millisecond
)
