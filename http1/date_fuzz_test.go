package http1

import (
	"net/http"
	"testing"
	"time"
)

// FuzzDate checks that an accepted date is the one net/http reads, and that what is written reads back.
func FuzzDate(f *testing.F) {
	f.Add([]byte("Sun, 06 Nov 1994 08:49:37 GMT"), int64(exampleTime))
	f.Add([]byte("Sunday, 06-Nov-94 08:49:37 GMT"), int64(0))
	f.Add([]byte("Sun Nov  6 08:49:37 1994"), int64(-1))
	f.Add([]byte("Sat, 31 Dec 2016 23:59:60 GMT"), int64(lastSecond))
	f.Fuzz(func(t *testing.T, b []byte, at int64) {
		got, ok := ParseDate(b)
		if want, err := http.ParseTime(string(b)); ok && !leapSecond(b) {
			// net/http takes two-digit years from 1969 on, this package from 1970.
			if err != nil || (want.Unix() != got && want.Year() != 1969) {
				t.Fatalf("%q is %d, net/http has %v, %v", b, got, want, err)
			}
		}
		if _, sameOK := ParseDateAt(b, at); sameOK != ok {
			t.Fatalf("ParseDateAt(%q, %d) is %v, ParseDate %v", b, at, sameOK, ok)
		}
		at = min(max(at, firstSecond), lastSecond)
		out := AppendDate(nil, at)
		if back, ok := ParseDate(out); back != at || !ok {
			t.Fatalf("%d is written %q and reads back as %d", at, out, back)
		}
		if want := time.Unix(at, 0).UTC().Format(http.TimeFormat); string(out) != want {
			t.Fatalf("%d is written %q, net/http has %q", at, out, want)
		}
	})
}

// leapSecond says whether the seconds of a date are 60, which net/http does not accept.
func leapSecond(b []byte) bool {
	for i := 0; i+2 < len(b); i++ {
		if string(b[i:i+3]) == ":60" {
			return true
		}
	}
	return false
}
