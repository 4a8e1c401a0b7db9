package policy

import "github.com/anygate/anygate/policy/quantity"

// Unlimited is the word, and Body.Max the value, for no bound.
const Unlimited = "unlimited"

// Body bounds the size of a request's content: body 10MiB. A larger one is answered with 413.
type Body struct {
	// Max is in bytes; -1 takes away a bound that was set for more routes.
	Max int64
}

var _ Policy = Body{}

// Name returns "body".
func (Body) Name() string { return "body" }

// Available says that this version bounds the bodies of routes.
func (Body) Available() bool { return true }

// Slot is the same for all.
func (Body) Slot() string { return "body" }

// String writes the canonical line.
func (b Body) String() string {
	if b.Max < 0 {
		return "body " + Unlimited
	}
	return "body " + quantity.FormatSize(b.Max)
}

func parseBody(w *words) (Policy, *Error) {
	item, err := w.need("the size")
	if err != nil {
		return nil, err
	}
	if item.Text == Unlimited {
		return Body{Max: -1}, nil
	}
	n, qerr := quantity.Size(item.Text)
	if qerr != nil {
		return nil, quantityError(item, qerr)
	}
	return Body{Max: n}, nil
}
