package health

import "time"

const (
	// tick is how often counts are read and what is due is begun. A failing member is noticed so much later at the most,
	// and an idle process wakes so often only if it has something to watch.
	tick = 100 * time.Millisecond

	// maxChecks bounds the checks under way in the process. What is due beyond waits for its turn, the longest due first.
	maxChecks = 256

	// checkContent is how much of the content of an answer to a check is read, so that a member that sends a little of it
	// does not see its connection reset. What comes behind, and when it comes, has no influence on the verdict.
	checkContent = 64 << 10

	// lateness is how long after its timeout a check may end and still say something about the member.
	lateness = 500 * time.Millisecond

	// maxInterim bounds the interim responses to a check. More make it fail.
	maxInterim = 16

	// buckets is how finely the window of a breaker slides.
	buckets = 10

	// closeAfter is how many requests must succeed in succession before a breaker that is half open is closed.
	closeAfter = 3

	// longestEjection bounds how long a member is ejected, however often it was before; a longer `eject` bounds itself.
	longestEjection = 5 * time.Minute

	// latencyWindow is the shortest time over which a mean latency is taken, latencyResponses the fewest responses, and
	// latencyPatience the time after which too few of them are forgotten.
	latencyWindow    = time.Second
	latencyResponses = 10
	latencyPatience  = 10 * time.Second
)

// What is not given is taken from here. Configuration gives everything.
const (
	defaultEvery   = 2 * time.Second
	defaultTimeout = time.Second
	defaultRise    = 2
	defaultFall    = 3
	defaultEject   = 10 * time.Second
	defaultShare   = 0.5
	defaultErrors  = 0.5
	defaultWindow  = 10 * time.Second
	defaultMin     = 20
	defaultOpen    = 5 * time.Second
)
