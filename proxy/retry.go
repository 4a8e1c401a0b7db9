package proxy

import (
	"time"

	"github.com/anygate/anygate/proxy/balance"
)

// Retry says what may be sent again. It is immutable.
type Retry struct {
	// Attempts is how many more attempts a request gets after the first one.
	// Members that cannot be connected to do not count, nor does a kept
	// connection that was closed as it was used.
	Attempts int
	On       RetryOn
	// Statuses are the response statuses that are tried again, as a set.
	Statuses StatusSet
	// Budget is the share of the requests under way, from 0 to 1, that may be
	// repetitions; a few are always allowed.
	Budget float64
	// PerTry bounds the time of one attempt up to the response's head; 0 is
	// no bound beside the other timeouts.
	PerTry time.Duration
}

// RetryOn is what is tried again, beside statuses.
type RetryOn uint8

// The occasions.
const (
	RetryConnect RetryOn = 1 << iota // the connection could not be made; that is always tried again
	RetryReset                       // it ended before a response began
	RetryTimeout                     // the response did not begin in time
)

// StatusSet is a set of the statuses from 400 to 599.
type StatusSet [4]uint64

// Add puts a status into the set.
func (s *StatusSet) Add(status int) {
	if i := status - 400; i >= 0 && i < 200 {
		s[i/64] |= 1 << (i % 64)
	}
}

// Has reports whether a status is in the set.
func (s *StatusSet) Has(status int) bool {
	i := status - 400
	return i >= 0 && i < 200 && s[i/64]&(1<<(i%64)) != 0
}

func (s *StatusSet) empty() bool { return *s == StatusSet{} }

// HashOn is what a consistent hash is taken of.
type HashOn uint8

// The sources of a hash.
const (
	HashIP HashOn = iota + 1
	HashHeader
	HashCookie
	HashPath
)

// Balance is how a plan chooses members. It is immutable.
type Balance struct {
	Policy balance.Policy
	Hash   HashOn
	Name   string // of the header, in lower case, or of the cookie
}
