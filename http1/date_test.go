package http1

import (
	"testing"
	"time"
)

const exampleTime = 784111777 // Sun, 06 Nov 1994 08:49:37 GMT

func TestParseDate(t *testing.T) {
	tests := []struct {
		in   string
		want int64
		ok   bool
	}{
		{"Sun, 06 Nov 1994 08:49:37 GMT", exampleTime, true},
		{"Sunday, 06-Nov-94 08:49:37 GMT", exampleTime, true},
		{"Sun Nov  6 08:49:37 1994", exampleTime, true},
		{"Wed Nov 16 08:49:37 1994", exampleTime + 10*86400, true},
		{"Thu, 01 Jan 1970 00:00:00 GMT", 0, true},
		{"Wed, 31 Dec 1969 23:59:59 GMT", -1, true},
		{"Thu, 29 Feb 2024 00:00:00 GMT", 1709164800, true},
		{"Tue, 29 Feb 2000 00:00:00 GMT", 951782400, true},
		{"Sat, 31 Dec 2016 23:59:60 GMT", 1483228800, true},
		{"Fri, 31 Dec 9999 23:59:59 GMT", lastSecond, true},
		{"Sat, 01 Jan 0000 00:00:00 GMT", firstSecond, true},
		{"Wednesday, 01-Jan-70 00:00:00 GMT", 0, true},
		{"Tuesday, 31-Dec-69 00:00:00 GMT", 3155673600, true}, // 2069

		{"", 0, false},
		{"0", 0, false},
		{"Sun, 06 Nov 1994 08:49:37", 0, false},
		{"Sun, 06 Nov 1994 08:49:37 UTC", 0, false},
		{"Sun, 06 Nov 1994 08:49:37 GMT ", 0, false},
		{"sun, 06 Nov 1994 08:49:37 GMT", 0, false},
		{"Sun, 06 nov 1994 08:49:37 GMT", 0, false},
		{"Sun, 6 Nov 1994 08:49:37 GMT", 0, false},
		{"Sun, 06 Nov 94 08:49:37 GMT", 0, false},
		{"Xxx, 06 Nov 1994 08:49:37 GMT", 0, false},
		{"Sun, 00 Nov 1994 08:49:37 GMT", 0, false},
		{"Sun, 31 Nov 1994 08:49:37 GMT", 0, false},
		{"Thu, 29 Feb 2023 00:00:00 GMT", 0, false},
		{"Thu, 29 Feb 1900 00:00:00 GMT", 0, false},
		{"Sun, 06 Nov 1994 24:00:00 GMT", 0, false},
		{"Sun, 06 Nov 1994 08:60:00 GMT", 0, false},
		{"Sun, 06 Nov 1994 08:49:61 GMT", 0, false},
		{"Sun, 06 Nov 1994 08:49:3a GMT", 0, false},
		{"Sun, 06 Nov 1994 08:49:+7 GMT", 0, false},
		{"Fri, 31 Dec 9999 23:59:60 GMT", 0, false},
		{"Sun, 06-Nov-94 08:49:37 GMT", 0, false},
		{"Saturnday, 06-Nov-94 08:49:37 GMT", 0, false},
		{"Sun Nov 06 08:49:37 94", 0, false},
		{"Sun Nov   08:49:37 1994x", 0, false},
	}
	for _, tt := range tests {
		if got, ok := ParseDate([]byte(tt.in)); ok != tt.ok || got != tt.want {
			t.Errorf("ParseDate(%q) = %d, %v, want %d, %v", tt.in, got, ok, tt.want, tt.ok)
		}
	}
}

func TestTwoDigitYearsRelativeToThePresent(t *testing.T) {
	at := func(year int) int64 { return time.Date(year, 6, 1, 0, 0, 0, 0, time.UTC).Unix() }
	for _, tt := range []struct {
		now  int
		yy   string
		want int
	}{
		{1994, "94", 1994},
		{2026, "94", 1994},
		{2026, "26", 2026},
		{2026, "75", 2075},
		{2026, "76", 1976},
		{2026, "77", 1977},
		{2099, "00", 2100},
		{2099, "49", 2049},
		{2099, "48", 2148},
		{2001, "99", 1999},
	} {
		got, ok := ParseDateAt([]byte("Sunday, 06-Nov-"+tt.yy+" 08:49:37 GMT"), at(tt.now))
		if year := time.Unix(got, 0).UTC().Year(); year != tt.want || !ok {
			t.Errorf("in %d, %q is %d, want %d", tt.now, tt.yy, year, tt.want)
		}
	}
}

func TestAppendDate(t *testing.T) {
	if got := string(AppendDate([]byte("Date: "), exampleTime)); got != "Date: Sun, 06 Nov 1994 08:49:37 GMT" {
		t.Errorf("got %q", got)
	}
	if got := string(AppendDate(nil, lastSecond+1)); got != "Fri, 31 Dec 9999 23:59:59 GMT" {
		t.Errorf("after the last: %q", got)
	}
	if got := string(AppendDate(nil, firstSecond-1)); got != "Sat, 01 Jan 0000 00:00:00 GMT" {
		t.Errorf("before the first: %q", got)
	}
}

// Every day of the years 0 to 9999 is what package time says it is, and reads back.
func TestEveryDay(t *testing.T) {
	const format = "Mon, 02 Jan 2006 15:04:05 GMT"
	var ours, theirs []byte
	for at := int64(firstSecond) + 4321; at <= lastSecond; at += 86400 {
		ours = AppendDate(ours[:0], at)
		theirs = time.Unix(at, 0).UTC().AppendFormat(theirs[:0], format)
		if string(ours) != string(theirs) {
			t.Fatalf("%d: %s, package time has %s", at, ours, theirs)
		}
		if back, ok := ParseDate(ours); back != at || !ok {
			t.Fatalf("%s reads back as %d, want %d", ours, back, at)
		}
	}
}
