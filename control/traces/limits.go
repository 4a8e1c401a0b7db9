package traces

import "time"

const (
	// batchSpans is how many records are sent at once; each makes one span or two.
	batchSpans = 512

	// interval is how long a span waits to be sent at most, while the collector answers.
	interval = time.Second

	// patience bounds a request to the collector, and attempts how often one is sent. Between them is a pause that doubles,
	// from pauseLeast to pauseMost, or what the collector asks for within that.
	patience   = 10 * time.Second
	attempts   = 5
	pauseLeast = 500 * time.Millisecond
	pauseMost  = 10 * time.Second

	// answerBytes is how much of a collector's answer is read.
	answerBytes = 64 << 10

	// tellInterval is how often it is told that spans were lost.
	tellInterval = time.Minute
)
