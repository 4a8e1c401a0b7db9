package static

// sketch estimates how often each of very many keys came up lately, in a fixed number
// of small counters (a count-min sketch). Estimates are never too low, and
// seldom too high.
type sketch struct {
	rows  [4][]uint8
	added int
	most  int // keys
}

// newSketch makes a sketch for some ten times as many keys as are kept.
func newSketch(kept int) sketch {
	width := 64
	for width < 4*kept {
		width *= 2
	}
	s := sketch{most: 10 * kept}
	for i := range s.rows {
		s.rows[i] = make([]uint8, width)
	}
	return s
}

// place is where a row counts a key.
func (s *sketch) place(row int, hash uint64) *uint8 {
	hash = (hash ^ hash>>32) * [...]uint64{0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93}[row]
	return &s.rows[row][hash>>32&uint64(len(s.rows[row])-1)]
}

// add counts a key once more, and returns its estimate. After ten times as many as
// are kept all counts are halved: what was is worth less and less.
func (s *sketch) add(hash uint64) uint32 {
	low := s.estimate(hash)
	for i := range s.rows {
		// Only the lowest counters say anything about this key.
		if c := s.place(i, hash); uint32(*c) == low && low < 255 {
			*c++
		}
	}
	if s.added++; s.added > s.most {
		s.halve()
	}
	return min(low+1, 255)
}

func (s *sketch) estimate(hash uint64) uint32 {
	low := uint32(255)
	for i := range s.rows {
		low = min(low, uint32(*s.place(i, hash)))
	}
	return low
}

func (s *sketch) halve() {
	for i := range s.rows {
		for j := range s.rows[i] {
			s.rows[i][j] >>= 1
		}
	}
	s.added /= 2
}
