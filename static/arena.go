package static

import (
	"math/bits"

	"golang.org/x/sys/unix"
)

const (
	// unitSize is the granularity of the arena, a whole number of cache lines; what
	// an entry wastes is less.
	unitSize = 640
	// pageSize is 64 units, so that one word tells which of them are free. It is
	// as much as the longest content in memory takes, with its head.
	pageSize = 64 * unitSize
)

// arena is the off-heap memory for heads and the content of small files: one anonymous
// mapping, cut into pages of 64 units. An entry takes a run of consecutive units of
// one page. A freed run merges with its neighbours by itself, because free
// units are bits of a word, so the arena never needs to know file sizes in
// advance and cannot be worn into size classes.
type arena struct {
	memory []byte
	free   []uint64 // per page; bit i is set while unit i is free
	next   int      // where the next search begins
	used   int64
}

// newArena reserves an arena of at most maxBytes. The kernel backs a page with
// memory when it is first written.
func newArena(maxBytes int64) (arena, error) {
	pages := max(maxBytes/pageSize, 1)
	memory, err := unix.Mmap(-1, 0, int(pages*pageSize), unix.PROT_READ|unix.PROT_WRITE,
		unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_NORESERVE)
	if err != nil {
		return arena{}, err
	}
	a := arena{memory: memory, free: make([]uint64, pages)}
	for i := range a.free {
		a.free[i] = ^uint64(0)
	}
	return a, nil
}

// size is how many octets there are, room how many an extent for n octets takes.
func (a *arena) size() int64 { return int64(len(a.free)) * pageSize }

func room(n int) int64 { return int64((n+unitSize-1)/unitSize) * unitSize }

// extent is a run of units of one page; the zero value is none.
type extent struct {
	page         uint32
	first, units uint8
}

// allocate finds room for n octets, at most pageSize, and fails if no page has
// such a run.
func (a *arena) allocate(n int) (extent, bool) {
	for range a.free {
		if x, ok := a.allocateIn(a.next, n); ok {
			return x, true
		}
		if a.next++; a.next == len(a.free) {
			a.next = 0
		}
	}
	return extent{}, false
}

// allocateIn finds room for n octets on one page, and fails if it has no such run.
func (a *arena) allocateIn(page, n int) (extent, bool) {
	if n <= 0 || n > pageSize {
		return extent{}, false
	}
	units := (n + unitSize - 1) / unitSize
	first := findRun(a.free[page], units)
	if first < 0 {
		return extent{}, false
	}
	a.free[page] &^= runMask(first, units)
	a.used += int64(units) * unitSize
	return extent{page: uint32(page), first: uint8(first), units: uint8(units)}, true
}

// bytes is the memory of the first n octets of an extent.
func (a *arena) bytes(x extent, n int) []byte {
	start := int(x.page)*pageSize + int(x.first)*unitSize
	return a.memory[start : start+n : start+int(x.units)*unitSize]
}

// release gives an extent back.
func (a *arena) release(x extent) {
	mask := runMask(int(x.first), int(x.units))
	if x.units == 0 || a.free[x.page]&mask != 0 {
		panic("static: memory of a file released twice")
	}
	a.free[x.page] |= mask
	a.used -= int64(x.units) * unitSize
}

// close unmaps the memory. Nothing may refer to it any more.
func (a *arena) close() {
	if a.memory != nil {
		_ = unix.Munmap(a.memory)
	}
	*a = arena{}
}

// runMask has units bits set from bit first on.
func runMask(first, units int) uint64 {
	return ^uint64(0) >> (64 - units) << first
}

// findRun returns the lowest bit at which n set bits follow one another, or -1.
// Each step keeps the bits that start a run of double the length, and the last
// step makes up the difference, so it takes log2(n) steps.
func findRun(free uint64, n int) int {
	for have := 1; have < n && free != 0; {
		step := min(have, n-have)
		free &= free >> step
		have += step
	}
	if free == 0 {
		return -1
	}
	return bits.TrailingZeros64(free)
}
