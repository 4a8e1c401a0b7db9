package http1

// The HTTP date formats of RFC 9110, section 5.6.7. They are always in UTC, so that a date and a number of seconds since
// 1970 map to each other by arithmetic alone.

const (
	dayNames   = "SunMonTueWedThuFriSat"
	monthNames = "JanFebMarAprMayJunJulAugSepOctNovDec"

	daySeconds = 86400

	// firstSecond and lastSecond are the dates that four digits of a year can express.
	firstSecond = -62167219200 // Sat, 01 Jan 0000 00:00:00 GMT
	lastSecond  = 253402300799 // Fri, 31 Dec 9999 23:59:59 GMT
)

// DateLen is the length of an IMF-fixdate.
const DateLen = len("Sun, 06 Nov 1994 08:49:37 GMT")

// AppendDate appends a time as an IMF-fixdate. A time outside the years 0 to 9999 becomes the nearest one inside.
func AppendDate(dst []byte, unixSeconds int64) []byte {
	t := min(max(unixSeconds, firstSecond), lastSecond)
	days, second := t/daySeconds, int(t%daySeconds)
	if second < 0 {
		days, second = days-1, second+daySeconds
	}
	year, month, day := civil(days)
	weekday := int((days%7 + 11) % 7) // 1970 began on a Thursday
	minute := second / 60
	hour := minute / 60
	dst = append(dst, dayNames[weekday*3:weekday*3+3]...)
	dst = append(dst, ',', ' ')
	dst = append2(dst, day)
	dst = append(dst, ' ')
	dst = append(dst, monthNames[month*3-3:month*3]...)
	dst = append(dst, ' ')
	dst = append2(dst, year/100)
	dst = append2(dst, year%100)
	dst = append(dst, ' ')
	dst = append2(dst, hour)
	dst = append(dst, ':')
	dst = append2(dst, minute%60)
	dst = append(dst, ':')
	dst = append2(dst, second%60)
	return append(dst, " GMT"...)
}

// append2 appends n as two digits.
func append2(dst []byte, n int) []byte { return append(dst, byte('0'+n/10), byte('0'+n%10)) }

// civil converts days since 1970-01-01 to a date of the proleptic Gregorian calendar. Years are counted from March, so
// that the leap day is the last of its year, in eras of 400 years that have equally many days. The eras are counted from
// year -400 on, which keeps everything positive.
func civil(days int64) (year, month, day int) {
	n := int(days) + 719468 + 146097 // days since 1 March of year -400
	era := n / 146097
	n %= 146097
	y := (n - n/1460 + n/36524 - n/146096) / 365
	n -= 365*y + y/4 - y/100
	m := (5*n + 2) / 153 // 0 is March
	day = n - (153*m+2)/5 + 1
	month = m + 3
	year = y + era*400 - 400
	if month > 12 {
		month -= 12
		year++
	}
	return year, month, day
}

// daysOf is the inverse of civil for the years from 0 on.
func daysOf(year, month, day int) int64 {
	if month <= 2 {
		month += 12
		year--
	}
	year += 400
	era, y := year/400, year%400
	n := 365*y + y/4 - y/100 + (153*(month-3)+2)/5 + day - 1
	return int64(era)*146097 + int64(n) - 719468 - 146097
}

// ParseDate parses a date in one of the three formats. A two-digit year is taken to be from 1970 to 2069; ParseDateAt
// does that relative to the present, as RFC 9110 has it.
func ParseDate(b []byte) (unixSeconds int64, ok bool) { return parseDate(b, 1970) }

// ParseDateAt parses a date in one of the three formats. A two-digit year stands for the one from 50 years before now to
// 49 years after, because what seems to be more than 50 years ahead has to be in the past.
func ParseDateAt(b []byte, nowUnix int64) (unixSeconds int64, ok bool) {
	present, _, _ := civil(min(max(nowUnix, 0), lastSecond) / daySeconds)
	return parseDate(b, present-50)
}

// parseDate parses a date; firstYear begins the hundred years that two digits can mean.
func parseDate(b []byte, firstYear int) (unixSeconds int64, ok bool) {
	p := dateParser{rest: b}
	switch {
	case len(b) == DateLen:
		p.imfFixdate()
	case len(b) == len("Sun Nov  6 08:49:37 1994"):
		p.asctime()
	default:
		p.rfc850(firstYear)
	}
	return p.seconds()
}

// dateParser takes a date apart from the left. The first mismatch makes it bad.
type dateParser struct {
	rest             []byte
	year, month, day int
	hour, min, sec   int
	bad              bool
}

// imfFixdate parses "Sun, 06 Nov 1994 08:49:37 GMT".
func (p *dateParser) imfFixdate() {
	p.dayName()
	p.literal(", ")
	p.day = p.number(2)
	p.literal(" ")
	p.monthName()
	p.literal(" ")
	p.year = p.number(4)
	p.literal(" ")
	p.time()
	p.literal(" GMT")
}

// rfc850 parses "Sunday, 06-Nov-94 08:49:37 GMT".
func (p *dateParser) rfc850(firstYear int) {
	p.longDayName()
	p.literal(", ")
	p.day = p.number(2)
	p.literal("-")
	p.monthName()
	p.literal("-")
	p.year = firstYear + (p.number(2)-firstYear%100+100)%100
	p.literal(" ")
	p.time()
	p.literal(" GMT")
}

// asctime parses "Sun Nov  6 08:49:37 1994".
func (p *dateParser) asctime() {
	p.dayName()
	p.literal(" ")
	p.monthName()
	p.literal(" ")
	if len(p.rest) > 0 && p.rest[0] == ' ' {
		p.literal(" ")
		p.day = p.number(1)
	} else {
		p.day = p.number(2)
	}
	p.literal(" ")
	p.time()
	p.literal(" ")
	p.year = p.number(4)
}

// time parses "08:49:37".
func (p *dateParser) time() {
	p.hour = p.number(2)
	p.literal(":")
	p.min = p.number(2)
	p.literal(":")
	p.sec = p.number(2)
}

func (p *dateParser) literal(s string) {
	if len(p.rest) < len(s) || string(p.rest[:len(s)]) != s {
		p.bad = true
		return
	}
	p.rest = p.rest[len(s):]
}

func (p *dateParser) number(digits int) (n int) {
	if len(p.rest) < digits {
		p.bad = true
		return 0
	}
	for _, c := range p.rest[:digits] {
		if class[c]&classDigit == 0 {
			p.bad = true
			return 0
		}
		n = n*10 + int(c-'0')
	}
	p.rest = p.rest[digits:]
	return n
}

// name takes three letters and returns their place in a list of such names, from 1; 0 if they are not in it.
func (p *dateParser) name(list string) int {
	if len(p.rest) >= 3 {
		for i := 0; i < len(list); i += 3 {
			if string(p.rest[:3]) == list[i:i+3] {
				p.rest = p.rest[3:]
				return i/3 + 1
			}
		}
	}
	p.bad = true
	return 0
}

func (p *dateParser) dayName()   { p.name(dayNames) }
func (p *dateParser) monthName() { p.month = p.name(monthNames) }

var dayNameTails = [8]string{"", "day", "day", "sday", "nesday", "rsday", "day", "urday"}

func (p *dateParser) longDayName() { p.literal(dayNameTails[p.name(dayNames)]) }

// seconds returns the date, if it was complete and is one. Second 60 is a leap second and counts as the one after it.
func (p *dateParser) seconds() (unixSeconds int64, ok bool) {
	if p.bad || len(p.rest) != 0 || p.month == 0 || p.day < 1 || p.day > monthLen(p.year, p.month) ||
		p.hour > 23 || p.min > 59 || p.sec > 60 {
		return 0, false
	}
	t := daysOf(p.year, p.month, p.day)*daySeconds + int64(p.hour*3600+p.min*60+p.sec)
	if t > lastSecond {
		return 0, false
	}
	return t, true
}

func monthLen(year, month int) int {
	switch month {
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}
