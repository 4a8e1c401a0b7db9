package balance

import "strconv"

// MaxWeight is the greatest weight; greater ones count as this. It is what a
// SRV record can hold.
const MaxWeight = 1<<16 - 1

// Endpoint is a member as balancing knows it.
type Endpoint struct {
	// Key is what the member is known by when the Set is replaced, and its
	// place in consistent hashing: its address. If a Set has a key several
	// times, as for two paths of one server, each is a member of its own.
	Key string
	// Weight is its share relative to the others; less than 1 counts as 1.
	Weight int
	// Backup members are used when no other is up.
	Backup bool
	// Group says which members can stand in for each other once the head of
	// a request has been written; see [Ask].
	Group int32
}

// Set is the members of an upstream at one time. It is immutable.
type Set struct {
	list  []Endpoint
	names []string // the keys, made unique
	ring  ring
}

// NewSet makes a Set; the list is copied. It costs some microseconds for each
// member, for the ring of consistent hashing.
func NewSet(list []Endpoint) *Set {
	s := &Set{list: make([]Endpoint, len(list)), names: make([]string, len(list))}
	copy(s.list, list)
	taken := make(map[string]int, len(list))
	for i := range s.list {
		e := &s.list[i]
		e.Weight = min(max(e.Weight, 1), MaxWeight)
		s.names[i] = e.Key
		if n := taken[e.Key]; n > 0 {
			// A key never holds a NUL: it is an address.
			s.names[i] += "\x00" + strconv.Itoa(n)
		}
		taken[e.Key]++
	}
	s.ring.build(s)
	return s
}

// Len is how many members there are.
func (s *Set) Len() int { return len(s.list) }

// At is a member.
func (s *Set) At(i int) Endpoint { return s.list[i] }
