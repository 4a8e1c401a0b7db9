package balance

import "math/bits"

// ringPoints is how many points the heaviest member has on the ring; others
// have as many less as they weigh less. The shares of members that weigh the
// same then differ by some 1/sqrt(ringPoints), 7 %.
const ringPoints = 200

// indexBits is how many bits of a point are the member's index in the Set;
// those above are its place on the ring. There are never 16 million members.
const indexBits = 24

// ring is consistent hashing: each member has points on a circle, and a key
// belongs to the member whose point follows it. The points of a member depend
// on nothing but its key and its weight relative to the heaviest one, so that
// members that come or go take keys from the others, or leave them theirs, and
// move no others.
type ring struct {
	points []uint64 // in order
	// starts[b] is where the points begin whose first bits are b or more,
	// which saves the search.
	starts []uint32
	shift  uint
}

func (r *ring) build(s *Set) {
	if len(s.list) == 0 {
		return
	}
	heaviest := 1
	for i := range s.list {
		heaviest = max(heaviest, s.list[i].Weight)
	}
	points := make([]uint64, 0, len(s.list)*ringPoints)
	for i, name := range s.names {
		own := Sum(name)
		for k := range max(1, (ringPoints*s.list[i].Weight+heaviest/2)/heaviest) {
			place := mix(own + uint64(k)*0x9e3779b97f4a7c15)
			points = append(points, place>>indexBits<<indexBits|uint64(i))
		}
	}
	r.sort(points)
}

// sort is a bucket sort, because the points are evenly spread: it takes a time
// linear in their number, and its buckets are the index.
func (r *ring) sort(points []uint64) {
	width := max(bits.Len(uint(len(points))), 1)
	r.shift = uint(64 - width)
	r.starts = make([]uint32, 1<<width+1)
	for _, pt := range points {
		r.starts[pt>>r.shift+1]++
	}
	for b := 1; b < len(r.starts); b++ {
		r.starts[b] += r.starts[b-1]
	}
	r.points = make([]uint64, len(points))
	filled := make([]uint32, 1<<width)
	for _, pt := range points {
		b := pt >> r.shift
		begin := int(r.starts[b])
		at := begin + int(filled[b])
		for ; at > begin && r.points[at-1] > pt; at-- {
			r.points[at] = r.points[at-1]
		}
		r.points[at] = pt
		filled[b]++
	}
}

// after is where the points begin that follow a key; it may be their number,
// which means the first.
func (r *ring) after(key uint64) int {
	at := int(r.starts[key>>r.shift])
	for at < len(r.points) && r.points[at] < key {
		at++
	}
	return at
}

// owner is the index of the member that a point belongs to.
func (r *ring) owner(at int) int { return int(r.points[at] & (1<<indexBits - 1)) }
