package generate

import (
	"math/rand/v2"
	"slices"
	"time"
)

// schedule draws the instants at which an open loop wants requests sent, and which lines of the table they are.
type schedule struct {
	random  *rand.Rand
	gap     float64 // Mean nanoseconds between arrivals; 0 in a closed loop.
	next    time.Duration
	table   []line
	upTo    []int // the sum of weights up to and including each line
	weights int
	// due holds arrivals that no connection has taken yet, oldest first, in a ring.
	due        []time.Duration
	head, size int
}

// line is a Request with its head as the bytes to send.
type line struct {
	Request
	head []byte
}

// total is the number of bytes of the request.
func (l *line) total() int { return len(l.head) + l.Body }

// maxDue bounds the queue of an overloaded run: at this length its latencies have long said what there is to say.
const maxDue = 1 << 18

func newSchedule(plan *Plan) *schedule {
	s := &schedule{random: rand.New(rand.NewPCG(plan.Seed, 0x5eed))}
	for _, request := range plan.Requests {
		request.Weight = max(request.Weight, 1)
		s.weights += request.Weight
		s.upTo = append(s.upTo, s.weights)
		s.table = append(s.table, line{Request: request, head: []byte(request.Head)})
	}
	if plan.Rate > 0 {
		s.gap = float64(time.Second) / plan.Rate
		s.due = make([]time.Duration, maxDue)
		s.advance()
	}
	return s
}

func (s *schedule) advance() {
	s.next += time.Duration(s.random.ExpFloat64() * s.gap)
}

// arrive queues every arrival up to now, and returns how many found the queue full.
func (s *schedule) arrive(now time.Duration) (refused int64) {
	for s.next <= now {
		if s.size == maxDue {
			refused++
		} else {
			s.due[(s.head+s.size)%maxDue] = s.next
			s.size++
		}
		s.advance()
	}
	return refused
}

// take returns the oldest arrival that waits for a connection.
func (s *schedule) take() (at time.Duration, ok bool) {
	if s.size == 0 {
		return 0, false
	}
	at = s.due[s.head]
	s.head = (s.head + 1) % maxDue
	s.size--
	return at, true
}

// draw picks a line of the table by weight.
func (s *schedule) draw() *line {
	if len(s.table) == 1 {
		return &s.table[0]
	}
	// A table may be long: a site of a hundred thousand files is one.
	i, _ := slices.BinarySearch(s.upTo, s.random.IntN(s.weights)+1)
	return &s.table[i]
}
