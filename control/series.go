package control

import "github.com/anygate/anygate/gateway"

// maxSeries is how many routes are counted by themselves, all configurations of the process together. Further ones are
// counted as one.
const maxSeries = 500

// The names of what is counted and is no route. No route's head begins like that.
const (
	seriesNone  = "(none)"
	seriesOther = "(other)"
)

// series are the numbers under which routes are counted: always the same for the same head.
type series struct {
	numbers map[string]uint32
	names   []string // by number
}

func newSeries() series {
	s := series{numbers: make(map[string]uint32), names: make([]string, gateway.FirstSeries)}
	s.names[gateway.SeriesNone], s.names[gateway.SeriesOther] = seriesNone, seriesOther
	return s
}

func (s *series) number(head string) uint32 {
	n, known := s.numbers[head]
	switch {
	case known:
	case len(s.numbers) == maxSeries:
		n = gateway.SeriesOther
	default:
		n = uint32(len(s.names))
		s.numbers[head] = n
		s.names = append(s.names, head)
	}
	return n
}

// count gives the routes of a generation, which is not served yet, their numbers.
func (r *Registry) count(gen *gateway.Generation) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range gen.Routes {
		gen.Routes[i].Series = r.series.number(gen.Routes[i].Name)
	}
}
