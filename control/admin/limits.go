package admin

import "time"

const (
	// maxConnections is how many connections there may be at a time. A further one has the one closed that has asked for
	// nothing for longest, and waits if all of them are being answered.
	maxConnections = 64
	// maxScrapes is how many scrapes may be under way; a further one is answered with 503.
	maxScrapes = 4
	// maxBody bounds the content of a request. A longer one is refused.
	maxBody = 16 << 10
	// maxHead bounds the head of a request.
	maxHead = 16 << 10

	// headTime, requestTime and idleTime bound the waiting for a client, and answerTime the writing of an answer. A
	// profile may take profileTime on top.
	headTime    = 5 * time.Second
	requestTime = 10 * time.Second
	idleTime    = time.Minute
	answerTime  = 30 * time.Second
	profileTime = 5 * time.Minute

	// closeTime is how long answers under way get when the server ends.
	closeTime = time.Second
)
