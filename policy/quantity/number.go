package quantity

import (
	"math"
	"strconv"
)

// decimal is a number with at most three digits after the point, counted in thousandths, so that 1.5s and 0.25% are
// exact without floating point.
type decimal struct {
	thousandths int64
	width       int
}

// scanDecimal reads digits and an optional fraction from the start of s. Its width is 0 when there is no number or
// one that is too large or too fine.
func scanDecimal(s string) decimal {
	i := 0
	var n int64
	for i < len(s) && s[i] >= '0' && s[i] <= '9' {
		d := int64(s[i] - '0')
		if n > (math.MaxInt64/1000-9)/10 {
			return decimal{}
		}
		n = n*10 + d
		i++
	}
	if i == 0 {
		return decimal{}
	}
	n *= 1000
	if i == len(s) || s[i] != '.' {
		return decimal{n, i}
	}
	i++
	unit := int64(100)
	start := i
	for i < len(s) && s[i] >= '0' && s[i] <= '9' {
		if unit == 0 {
			return decimal{}
		}
		n += int64(s[i]-'0') * unit
		unit /= 10
		i++
	}
	if i == start {
		return decimal{}
	}
	return decimal{n, i}
}

// times returns the number multiplied by unit, and whether the product is a whole number within int64.
func (d decimal) times(unit int64) (int64, bool) {
	if d.thousandths != 0 && unit > math.MaxInt64/d.thousandths {
		whole := d.thousandths / 1000
		if d.thousandths%1000 != 0 || unit > math.MaxInt64/max(whole, 1) {
			return 0, false
		}
		return whole * unit, true
	}
	product := d.thousandths * unit
	return product / 1000, product%1000 == 0
}

// Int reads a whole number from lo to hi, written in decimal digits.
func Int(s string, lo, hi int) (int, *Error) {
	want := "a whole number"
	switch {
	case hi == math.MaxInt:
		want += " of at least " + strconv.Itoa(lo)
	default:
		want += " from " + strconv.Itoa(lo) + " to " + strconv.Itoa(hi)
	}
	d := scanDecimal(s)
	if d.width == 0 || d.width != len(s) || d.thousandths%1000 != 0 {
		return 0, wrong(s, "whole number", want)
	}
	n := d.thousandths / 1000
	if n < int64(lo) || n > int64(hi) {
		return 0, &Error{Len: len(s), Msg: s + " is out of range", Want: want}
	}
	return int(n), nil
}
