package telemetry

import "time"

// stamp is a second as it is written in lines, kept until the next one.
type stamp struct {
	unix   int64
	clf    bool // it is in the form of Combined
	n      uint8
	digits [26]byte
}

// of writes a second as a format has it. The result is valid until the next call.
func (s *stamp) of(f Format, unix int64) []byte {
	if clf := f == Combined; s.n == 0 || s.unix != unix || s.clf != clf {
		s.unix, s.clf = unix, clf
		if clf {
			s.n = uint8(len(appendCLFTime(s.digits[:0], unix)))
		} else {
			s.n = uint8(len(appendTime(s.digits[:0], unix)))
		}
	}
	return s.digits[:s.n]
}

// appendTime appends a time in UTC to the second (RFC 3339). It is AppendFormat without reading a layout each time.
func appendTime(dst []byte, unix int64) []byte {
	t := time.Unix(unix, 0).UTC()
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	dst = appendTwo(dst, year/100)
	dst = appendTwo(dst, year)
	dst = appendTwo(append(dst, '-'), int(month))
	dst = appendTwo(append(dst, '-'), day)
	dst = appendTwo(append(dst, 'T'), hour)
	dst = appendTwo(append(dst, ':'), minute)
	dst = appendTwo(append(dst, ':'), second)
	return append(dst, 'Z')
}

// appendTwo appends the last two digits of n.
func appendTwo(dst []byte, n int) []byte {
	n %= 100
	return append(dst, byte('0'+n/10), byte('0'+n%10))
}

const months = "JanFebMarAprMayJunJulAugSepOctNovDec"

// appendCLFTime appends a time in UTC as the common log format has it.
func appendCLFTime(dst []byte, unix int64) []byte {
	t := time.Unix(unix, 0).UTC()
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	dst = appendTwo(dst, day)
	dst = append(dst, '/')
	dst = append(dst, months[3*(month-1):3*month]...)
	dst = appendTwo(append(dst, '/'), year/100)
	dst = appendTwo(dst, year)
	dst = appendTwo(append(dst, ':'), hour)
	dst = appendTwo(append(dst, ':'), minute)
	dst = appendTwo(append(dst, ':'), second)
	return append(dst, " +0000"...)
}
