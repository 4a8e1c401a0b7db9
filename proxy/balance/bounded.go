package balance

const (
	// A member gets no more requests by hash than boundNum/boundDen times the
	// average for its weight: consistent hashing with bounded loads
	// (Mirrokni, Thorup, Zadimoghaddam, 2016). What is above goes to the next
	// on the ring, which is the same one for the same key.
	boundNum, boundDen = 5, 4

	// boundFrom is how many requests under way a member may have whatever the
	// average is. With few of them the average says little, and two at the
	// same time of one client are no reason to part them.
	boundFrom = 8
)

// byHash takes the member that a key belongs to, or the next on the ring that
// can be had and has room.
func (v *View) byHash(c *choice, key uint64) int {
	// The keys of users may be bad hashes; their low bits must count as much
	// as the high ones.
	r := &v.set.ring
	at := r.after(mix(key))
	spare := -1
	for range r.points {
		if at >= len(r.points) {
			at = 0
		}
		i := r.owner(at)
		at++
		if !c.in[i] {
			continue
		}
		if v.hasRoom(i, c) {
			return i
		}
		if spare < 0 {
			spare = i
		}
	}
	return spare
}

// hasRoom reports whether one more request keeps a member within the bound.
func (v *View) hasRoom(i int, c *choice) bool {
	s := &v.slots[v.order[i]]
	if s.active < boundFrom {
		return true
	}
	// active+1 <= ceil(bound * (all+1) * weight / total), without a fraction:
	// whole numbers are at most the ceiling of x iff they are below x+1.
	share := boundNum * (v.active + 1) * s.weight
	return int64(s.active)*boundDen*c.total() < share
}
