package policy

import (
	"strconv"

	"github.com/anygate/anygate/policy/quantity"
)

// Limit bounds the rate of requests with a token bucket: limit 100/s burst 200 per ip.
type Limit struct {
	Rate quantity.Rate
	// Burst is the size of the bucket. Without the word it is the count of the rate.
	Burst int64
	// Scope is the route where nothing is said.
	Scope Scope
}

var _ Policy = Limit{}

// Name returns "limit".
func (Limit) Name() string { return "limit" }

// Available says that this version limits rates.
func (Limit) Available() bool { return true }

// Slot tells limits of different scopes apart.
func (l Limit) Slot() string { return "limit " + l.Scope.slot() }

// String writes the canonical line.
func (l Limit) String() string {
	s := "limit " + l.Rate.String()
	if l.Burst != l.Rate.Count {
		s += " burst " + strconv.FormatInt(l.Burst, 10)
	}
	return s + " " + l.Scope.String()
}

func parseLimit(w *words) (Policy, *Error) {
	item, err := w.need("the rate")
	if err != nil {
		return nil, err
	}
	rate, qerr := quantity.ParseRate(item.Text)
	if qerr != nil {
		return nil, quantityError(item, qerr)
	}
	l := Limit{Rate: rate, Burst: rate.Count}
	var burst, per bool
	for {
		item, ok := w.next()
		switch {
		case !ok:
			return l, nil
		case item.Text == "burst" && !burst:
			burst = true
			n, err := w.need("the size of the burst")
			if err != nil {
				return nil, err
			}
			size, qerr := quantity.Int(n.Text, 1, quantity.MaxRate)
			if qerr != nil {
				return nil, quantityError(n, qerr)
			}
			l.Burst = int64(size)
		case item.Text == "per" && !per:
			per = true
			if l.Scope, err = parseScope(w); err != nil {
				return nil, err
			}
		default:
			return nil, w.unexpected(item, "burst", "per")
		}
	}
}
