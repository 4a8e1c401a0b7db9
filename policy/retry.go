package policy

import (
	"strconv"

	"github.com/anygate/anygate/policy/quantity"
)

// MaxRetries bounds how often one request may burden the upstreams.
const MaxRetries = 10

// Retry repeats an idempotent request (RFC 9110, 9.2.2) that failed: retry 2.
type Retry struct {
	// Attempts are those after the first.
	Attempts int
}

var _ Policy = Retry{}

// Name returns "retry".
func (Retry) Name() string { return "retry" }

// Available says that this version repeats requests.
func (Retry) Available() bool { return true }

// Slot is the same for all.
func (Retry) Slot() string { return "retry" }

// String writes the canonical line.
func (r Retry) String() string { return "retry " + strconv.Itoa(r.Attempts) }

func parseRetry(w *words) (Policy, *Error) {
	item, err := w.need("the number of attempts")
	if err != nil {
		return nil, err
	}
	n, qerr := quantity.Int(item.Text, 0, MaxRetries)
	if qerr != nil {
		return nil, quantityError(item, qerr)
	}
	return Retry{n}, nil
}
