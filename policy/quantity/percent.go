package quantity

import (
	"strconv"
	"strings"
)

const wantPercent = "a percentage from 0% to 100%"

// Percent is a share in thousandths of a percent, 0 to 100,000.
type Percent uint32

// ParsePercent reads a number from 0 to 100 with at most three decimals, followed by %.
func ParsePercent(s string) (Percent, *Error) {
	number, ok := strings.CutSuffix(s, "%")
	d := scanDecimal(number)
	if d.width == 0 || d.width != len(number) {
		return 0, wrong(s, "percentage", wantPercent)
	}
	if !ok {
		e := wrong(s, "percentage", wantPercent)
		e.Suggest = s + "%"
		return 0, e
	}
	if d.thousandths > 100_000 {
		return 0, &Error{Len: len(s), Msg: s + " is out of range", Want: wantPercent}
	}
	return Percent(d.thousandths), nil
}

// String writes the percentage with no more decimals than it has.
func (p Percent) String() string {
	s := strconv.Itoa(int(p / 1000))
	if frac := p % 1000; frac != 0 {
		digits := strconv.Itoa(int(frac + 1000))[1:]
		s += "." + strings.TrimRight(digits, "0")
	}
	return s + "%"
}
