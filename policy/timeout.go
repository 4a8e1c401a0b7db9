package policy

import (
	"time"

	"github.com/anygate/anygate/policy/quantity"
)

// Timeout bounds the whole exchange: timeout 5s. Where nothing was sent yet, the client gets a 504.
type Timeout struct {
	After time.Duration
}

var _ Policy = Timeout{}

// Name returns "timeout".
func (Timeout) Name() string { return "timeout" }

// Available says that this version bounds whole exchanges.
func (Timeout) Available() bool { return true }

// Slot is the same for all.
func (Timeout) Slot() string { return "timeout" }

// String writes the canonical line.
func (t Timeout) String() string { return "timeout " + quantity.FormatDuration(t.After) }

func parseTimeout(w *words) (Policy, *Error) {
	d, err := needDuration(w, "the duration")
	if err != nil {
		return nil, err
	}
	return Timeout{d}, nil
}

// needDuration consumes a word that is a duration of more than nothing.
func needDuration(w *words, what string) (time.Duration, *Error) {
	item, err := w.need(what)
	if err != nil {
		return 0, err
	}
	d, qerr := quantity.Duration(item.Text)
	if qerr != nil {
		return 0, quantityError(item, qerr)
	}
	if d == 0 {
		return 0, item.wrong("the duration is zero", "a duration such as 250ms, 5s, 10m or 1h")
	}
	return d, nil
}
