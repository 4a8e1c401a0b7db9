package policy

import (
	"math"
	"strconv"

	"github.com/anygate/anygate/policy/quantity"
)

// Conns bounds the number of requests under way at a time: conns 1000 per ip.
type Conns struct {
	Max int
	// Scope is the route where nothing is said.
	Scope Scope
}

var _ Policy = Conns{}

// Name returns "conns".
func (Conns) Name() string { return "conns" }

// Available says that this version counts concurrent requests.
func (Conns) Available() bool { return true }

// Slot tells bounds of different scopes apart.
func (c Conns) Slot() string { return "conns " + c.Scope.slot() }

// String writes the canonical line.
func (c Conns) String() string { return "conns " + strconv.Itoa(c.Max) + " " + c.Scope.String() }

func parseConns(w *words) (Policy, *Error) {
	item, err := w.need("the number of concurrent requests")
	if err != nil {
		return nil, err
	}
	n, qerr := quantity.Int(item.Text, 1, math.MaxInt32)
	if qerr != nil {
		return nil, quantityError(item, qerr)
	}
	c := Conns{Max: n}
	if item, ok := w.next(); ok {
		if item.Text != "per" {
			return nil, w.unexpected(item, "per")
		}
		if c.Scope, err = parseScope(w); err != nil {
			return nil, err
		}
	}
	return c, nil
}
