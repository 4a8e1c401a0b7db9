package policy

import (
	"time"

	"github.com/anygate/anygate/policy/quantity"
)

// Cache keeps responses of a proxy action as a shared cache (RFC 9111): cache 60s stale 30s.
type Cache struct {
	// Fresh is for responses that do not say how long they are fresh.
	Fresh time.Duration
	// Stale is how long a response may still be used while a new one is fetched.
	Stale time.Duration
}

var _ Policy = Cache{}

// Name returns "cache".
func (Cache) Name() string { return "cache" }

// Available says that this version has no cache.
func (Cache) Available() bool { return false }

// Slot is the same for all.
func (Cache) Slot() string { return "cache" }

// String writes the canonical line.
func (c Cache) String() string {
	s := "cache " + quantity.FormatDuration(c.Fresh)
	if c.Stale > 0 {
		s += " stale " + quantity.FormatDuration(c.Stale)
	}
	return s
}

func parseCache(w *words) (Policy, *Error) {
	var c Cache
	var err *Error
	if c.Fresh, err = needDuration(w, "the freshness lifetime"); err != nil {
		return nil, err
	}
	if item, ok := w.next(); ok {
		if item.Text != "stale" {
			return nil, w.unexpected(item, "stale")
		}
		if c.Stale, err = needDuration(w, "the time a stale response may be used"); err != nil {
			return nil, err
		}
	}
	return c, nil
}
