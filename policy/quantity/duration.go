package quantity

import (
	"strconv"
	"strings"
	"time"
)

const wantDuration = "a duration such as 250ms, 5s, 10m or 1h"

// MaxDuration bounds every duration, so that sums of a clock and a duration never overflow.
const MaxDuration = 366 * 24 * time.Hour

var durationUnits = []struct {
	name string
	unit time.Duration
}{
	{"ms", time.Millisecond},
	{"s", time.Second},
	{"m", time.Minute},
	{"h", time.Hour},
	{"d", 24 * time.Hour},
}

// Duration reads one or more numbers, each followed by ms, s, m, h or d: 250ms, 1.5s, 1h30m. A number alone is an
// error, since readers disagree about its unit.
func Duration(s string) (time.Duration, *Error) {
	var total time.Duration
	rest := s
	for first := true; first || rest != ""; first = false {
		d := scanDecimal(rest)
		if d.width == 0 {
			return 0, wrong(s, "duration", wantDuration)
		}
		unit, width := durationUnit(rest[d.width:])
		if width == 0 {
			e := wrong(s, "duration", wantDuration)
			e.Suggest = suggestDuration(s)
			return 0, e
		}
		n, whole := d.times(int64(unit))
		if !whole || n > int64(MaxDuration) || total+time.Duration(n) > MaxDuration {
			return 0, &Error{Len: len(s), Msg: "the duration " + s + " is out of range", Want: "at most 366d"}
		}
		total += time.Duration(n)
		rest = rest[d.width+width:]
	}
	if total%time.Millisecond != 0 {
		return 0, &Error{Len: len(s), Msg: "the duration " + s + " is too fine", Want: "whole milliseconds"}
	}
	return total, nil
}

// durationUnit returns the unit at the start of s, which ends at a digit or at the end of s.
func durationUnit(s string) (time.Duration, int) {
	end := strings.IndexAny(s, "0123456789")
	if end < 0 {
		end = len(s)
	}
	for _, u := range durationUnits {
		if s[:end] == u.name {
			return u.unit, end
		}
	}
	return 0, 0
}

// suggestDuration recognises the usual near misses: no unit, capitals, a blank before the unit, words.
func suggestDuration(s string) string {
	d := scanDecimal(s)
	number := s[:d.width]
	switch strings.ToLower(strings.TrimSpace(s[d.width:])) {
	case "", "s", "sec", "secs", "second", "seconds":
		return number + "s"
	case "ms", "msec", "millis", "milliseconds":
		return number + "ms"
	case "m", "min", "mins", "minute", "minutes":
		return number + "m"
	case "h", "hr", "hrs", "hour", "hours":
		return number + "h"
	case "d", "day", "days":
		return number + "d"
	}
	return ""
}

// FormatDuration writes d in the largest unit that needs no fraction: 90s, 250ms, 2h.
func FormatDuration(d time.Duration) string {
	if d == 0 {
		return "0s"
	}
	for i := len(durationUnits) - 2; i >= 0; i-- {
		if u := durationUnits[i]; d%u.unit == 0 {
			return strconv.FormatInt(int64(d/u.unit), 10) + u.name
		}
	}
	return strconv.FormatInt(d.Milliseconds(), 10) + "ms"
}
