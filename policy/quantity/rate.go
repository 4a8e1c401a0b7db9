package quantity

import (
	"strconv"
	"strings"
	"time"
)

const (
	wantRate     = "a rate such as 100/s, 6000/m or 20/h"
	wantByteRate = "a rate in bytes such as 500B/s or 64KiB/s"
)

// MaxRate bounds the count of a rate, so that a token bucket can count in fractions of a token within int64.
const MaxRate = 1_000_000_000

// Rate is a number of events in a time.
type Rate struct {
	Count int64
	Per   time.Duration
}

// ParseRate reads COUNT/s, COUNT/m or COUNT/h.
func ParseRate(s string) (Rate, *Error) {
	count, per, ok := strings.Cut(s, "/")
	d := scanDecimal(count)
	if d.width == 0 || d.width != len(count) || d.thousandths%1000 != 0 {
		return Rate{}, wrong(s, "rate", wantRate)
	}
	if !ok {
		e := wrong(s, "rate", wantRate)
		e.Suggest = s + "/s"
		return Rate{}, e
	}
	unit, suggest := period(per)
	if unit == 0 {
		e := wrong(s, "rate", wantRate)
		if suggest != "" {
			e.Suggest = count + "/" + suggest
		}
		return Rate{}, e
	}
	n := d.thousandths / 1000
	if n < 1 || n > MaxRate {
		return Rate{}, &Error{Len: len(count), Msg: "the rate " + s + " is out of range", Want: "a count from 1 to " + strconv.Itoa(MaxRate)}
	}
	return Rate{n, unit}, nil
}

// String writes the rate in its own period.
func (r Rate) String() string {
	unit := "s"
	switch r.Per {
	case time.Minute:
		unit = "m"
	case time.Hour:
		unit = "h"
	}
	return strconv.FormatInt(r.Count, 10) + "/" + unit
}

// ByteRate reads SIZE/s and returns bytes per second.
func ByteRate(s string) (int64, *Error) {
	size, per, ok := strings.Cut(s, "/")
	n, err := Size(size)
	switch {
	case err != nil:
		e := wrong(s, "rate in bytes", wantByteRate)
		if err.Suggest != "" {
			e.Suggest = err.Suggest + "/s"
		}
		return 0, e
	case !ok || per != "s":
		e := wrong(s, "rate in bytes", wantByteRate)
		e.Suggest = FormatByteRate(n)
		return 0, e
	}
	return n, nil
}

// FormatByteRate writes bytes per second.
func FormatByteRate(n int64) string { return FormatSize(n) + "/s" }

// period returns the period that s names, or the nearest name that there is.
func period(s string) (unit time.Duration, suggest string) {
	switch s {
	case "s":
		return time.Second, ""
	case "m":
		return time.Minute, ""
	case "h":
		return time.Hour, ""
	}
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "s", "sec", "second":
		return 0, "s"
	case "m", "min", "minute":
		return 0, "m"
	case "h", "hr", "hour":
		return 0, "h"
	}
	return 0, ""
}
