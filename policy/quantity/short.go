package quantity

import (
	"strconv"
	"strings"
	"time"
)

const wantShort = "a duration such as 20us, 50us or 1ms"

// ShortDuration reads a duration that may be as fine as a microsecond: one whole number followed by us or ms.
// It is for what a loop spends, not for timers, which are no finer than a millisecond.
func ShortDuration(s string) (time.Duration, *Error) {
	d := scanDecimal(s)
	if d.width == 0 {
		return 0, wrong(s, "duration", wantShort)
	}
	var unit time.Duration
	switch s[d.width:] {
	case "us":
		unit = time.Microsecond
	case "ms":
		unit = time.Millisecond
	default:
		e := wrong(s, "duration", wantShort)
		switch strings.ToLower(strings.TrimSpace(s[d.width:])) {
		case "", "us", "µs", "μs", "usec", "micros", "microseconds":
			e.Suggest = s[:d.width] + "us"
		case "ms", "msec", "millis", "milliseconds":
			e.Suggest = s[:d.width] + "ms"
		}
		return 0, e
	}
	n, whole := d.times(int64(unit))
	if !whole || n > int64(MaxDuration) {
		return 0, &Error{Len: len(s), Msg: "the duration " + s + " is out of range", Want: wantShort}
	}
	if n%int64(time.Microsecond) != 0 {
		return 0, &Error{Len: len(s), Msg: "the duration " + s + " is too fine", Want: "whole microseconds"}
	}
	return time.Duration(n), nil
}

// FormatShortDuration writes what ShortDuration has read: 50us, 1ms.
func FormatShortDuration(d time.Duration) string {
	if d%time.Millisecond == 0 {
		return strconv.FormatInt(d.Milliseconds(), 10) + "ms"
	}
	return strconv.FormatInt(d.Microseconds(), 10) + "us"
}
