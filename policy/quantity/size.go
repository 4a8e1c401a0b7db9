package quantity

import (
	"strconv"
	"strings"
)

const wantSize = "a size such as 64KiB, 10MiB or 2GB"

var sizeUnits = []struct {
	name string
	unit int64
}{
	{"B", 1},
	{"KB", 1e3},
	{"KiB", 1 << 10},
	{"MB", 1e6},
	{"MiB", 1 << 20},
	{"GB", 1e9},
	{"GiB", 1 << 30},
	{"TB", 1e12},
	{"TiB", 1 << 40},
}

// Size reads a number of bytes: a number alone, or one followed by B, KB, MB, GB, TB (powers of 1000) or KiB, MiB,
// GiB, TiB (powers of 1024).
func Size(s string) (int64, *Error) {
	d := scanDecimal(s)
	if d.width == 0 {
		return 0, wrong(s, "size", wantSize)
	}
	unit := int64(0)
	name := s[d.width:]
	if name == "" {
		unit = 1
	}
	for _, u := range sizeUnits {
		if name == u.name {
			unit = u.unit
		}
	}
	if unit == 0 {
		e := wrong(s, "size", wantSize)
		e.Suggest = suggestSize(s[:d.width], name)
		return 0, e
	}
	n, whole := d.times(unit)
	if !whole {
		return 0, &Error{Len: len(s), Msg: "the size " + s + " is out of range", Want: "a whole number of bytes below 8EiB"}
	}
	return n, nil
}

// suggestSize recognises nginx's 10m, capitals and blanks.
func suggestSize(number, unit string) string {
	unit = strings.ToLower(strings.TrimSpace(unit))
	for _, u := range sizeUnits {
		if unit == strings.ToLower(u.name) {
			return number + u.name
		}
	}
	switch unit {
	case "k", "m", "g", "t":
		return number + strings.ToUpper(unit) + "iB"
	case "byte", "bytes":
		return number + "B"
	}
	return ""
}

// FormatSize writes n in the largest unit that needs no fraction.
func FormatSize(n int64) string {
	best := sizeUnits[0]
	if n != 0 {
		for _, u := range sizeUnits {
			if n%u.unit == 0 {
				best = u
			}
		}
	}
	return strconv.FormatInt(n/best.unit, 10) + best.name
}
