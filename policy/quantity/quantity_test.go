package quantity

import (
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestDuration(t *testing.T) {
	for _, c := range []struct {
		in   string
		want time.Duration
		text string
	}{
		{"250ms", 250 * time.Millisecond, "250ms"},
		{"5s", 5 * time.Second, "5s"},
		{"1.5s", 1500 * time.Millisecond, "1500ms"},
		{"90s", 90 * time.Second, "90s"},
		{"10m", 10 * time.Minute, "10m"},
		{"1h30m", 90 * time.Minute, "90m"},
		{"1h", time.Hour, "1h"},
		{"2d", 48 * time.Hour, "48h"},
		{"0s", 0, "0s"},
		{"366d", MaxDuration, "8784h"},
	} {
		t.Run(c.in, func(t *testing.T) {
			got, err := Duration(c.in)
			if err != nil || got != c.want {
				t.Fatalf("Duration(%q) = %v, %v; want %v", c.in, got, err, c.want)
			}
			if text := FormatDuration(got); text != c.text {
				t.Errorf("FormatDuration(%v) = %q, want %q", got, text, c.text)
			}
			if again, err := Duration(c.text); err != nil || again != got {
				t.Errorf("Duration(%q) = %v, %v; want %v", c.text, again, err, got)
			}
		})
	}
}

func TestShortDuration(t *testing.T) {
	for _, c := range []struct {
		in   string
		want time.Duration
		text string
	}{
		{"50us", 50 * time.Microsecond, "50us"},
		{"1us", time.Microsecond, "1us"},
		{"0us", 0, "0ms"},
		{"1ms", time.Millisecond, "1ms"},
		{"0.5ms", 500 * time.Microsecond, "500us"},
		{"1000us", time.Millisecond, "1ms"},
	} {
		t.Run(c.in, func(t *testing.T) {
			got, err := ShortDuration(c.in)
			if err != nil || got != c.want {
				t.Fatalf("ShortDuration(%q) = %v, %v; want %v", c.in, got, err, c.want)
			}
			if text := FormatShortDuration(got); text != c.text {
				t.Errorf("FormatShortDuration(%v) = %q, want %q", got, text, c.text)
			}
		})
	}
}

func TestSize(t *testing.T) {
	for _, c := range []struct {
		in   string
		want int64
		text string
	}{
		{"0", 0, "0B"},
		{"512", 512, "512B"},
		{"512B", 512, "512B"},
		{"64KiB", 65536, "64KiB"},
		{"64KB", 64000, "64KB"},
		{"1.5KiB", 1536, "1536B"},
		{"10MiB", 10 << 20, "10MiB"},
		{"2GB", 2e9, "2GB"},
		{"3TiB", 3 << 40, "3TiB"},
	} {
		t.Run(c.in, func(t *testing.T) {
			got, err := Size(c.in)
			if err != nil || got != c.want {
				t.Fatalf("Size(%q) = %v, %v; want %v", c.in, got, err, c.want)
			}
			if text := FormatSize(got); text != c.text {
				t.Errorf("FormatSize(%v) = %q, want %q", got, text, c.text)
			}
			if again, err := Size(c.text); err != nil || again != got {
				t.Errorf("Size(%q) = %v, %v; want %v", c.text, again, err, got)
			}
		})
	}
}

func TestRate(t *testing.T) {
	for _, c := range []struct {
		in   string
		want Rate
	}{
		{"100/s", Rate{100, time.Second}},
		{"6000/m", Rate{6000, time.Minute}},
		{"20/h", Rate{20, time.Hour}},
	} {
		got, err := ParseRate(c.in)
		if err != nil || got != c.want || got.String() != c.in {
			t.Errorf("ParseRate(%q) = %v, %v", c.in, got, err)
		}
	}
	if n, err := ByteRate("64KiB/s"); err != nil || n != 65536 || FormatByteRate(n) != "64KiB/s" {
		t.Errorf("ByteRate = %v, %v", n, err)
	}
}

func TestPercent(t *testing.T) {
	for _, c := range []struct {
		in   string
		want Percent
		text string
	}{
		{"0%", 0, "0%"},
		{"20%", 20000, "20%"},
		{"0.5%", 500, "0.5%"},
		{"0.125%", 125, "0.125%"},
		{"12.050%", 12050, "12.05%"},
		{"100%", 100000, "100%"},
	} {
		got, err := ParsePercent(c.in)
		if err != nil || got != c.want || got.String() != c.text {
			t.Errorf("ParsePercent(%q) = %d %s, %v", c.in, got, got, err)
		}
	}
}

func TestInt(t *testing.T) {
	if n, err := Int("42", 1, 100); err != nil || n != 42 {
		t.Errorf("Int = %v, %v", n, err)
	}
	for _, s := range []string{"", "0", "101", "1.5", "-1", "1e3", "0x10", "99999999999999999999"} {
		if n, err := Int(s, 1, 100); err == nil {
			t.Errorf("Int(%q) = %d, want an error", s, n)
		}
	}
}

func TestErrors(t *testing.T) {
	parsers := map[string]func(string) *Error{
		"duration":       func(s string) *Error { _, err := Duration(s); return err },
		"short duration": func(s string) *Error { _, err := ShortDuration(s); return err },
		"size":           func(s string) *Error { _, err := Size(s); return err },
		"rate":           func(s string) *Error { _, err := ParseRate(s); return err },
		"byte rate":      func(s string) *Error { _, err := ByteRate(s); return err },
		"percent":        func(s string) *Error { _, err := ParsePercent(s); return err },
	}
	for _, c := range []struct{ parser, in, suggest string }{
		{"duration", "", ""},
		{"duration", "5", "5s"},
		{"duration", "5 s", "5s"},
		{"duration", "5S", "5s"},
		{"duration", "5min", "5m"},
		{"duration", "2 hours", "2h"},
		{"duration", "-5s", ""},
		{"duration", "s", ""},
		{"duration", "1.0001s", ""},
		{"duration", "0.1ms", ""},
		{"duration", "367d", ""},
		{"duration", "366d1s", ""},
		{"duration", "99999999999999999h", ""},
		{"duration", "5s ", "5s"},
		{"short duration", "", ""},
		{"short duration", "50", "50us"},
		{"short duration", "50 us", "50us"},
		{"short duration", "50µs", "50us"},
		{"short duration", "1MS", "1ms"},
		{"short duration", "1s", ""},
		{"short duration", "0.5us", ""},
		{"short duration", "-1us", ""},
		{"short duration", "99999999999999ms", ""},
		{"size", "", ""},
		{"size", "10m", "10MiB"},
		{"size", "10mb", "10MB"},
		{"size", "10 KiB", "10KiB"},
		{"size", "10bytes", "10B"},
		{"size", "1.5", ""},
		{"size", "-1", ""},
		{"size", "9223372036854775807TiB", ""},
		{"size", "9000000000TiB", ""},
		{"rate", "", ""},
		{"rate", "100", "100/s"},
		{"rate", "100/sec", "100/s"},
		{"rate", "100/min", "100/m"},
		{"rate", "100/d", ""},
		{"rate", "0/s", ""},
		{"rate", "1.5/s", ""},
		{"rate", "1000000001/s", ""},
		{"byte rate", "500", "500B/s"},
		{"byte rate", "1k/s", "1KiB/s"},
		{"byte rate", "1KiB/m", "1KiB/s"},
		{"percent", "", ""},
		{"percent", "20", "20%"},
		{"percent", "101%", ""},
		{"percent", "0.0001%", ""},
		{"percent", "%", ""},
	} {
		t.Run(c.parser+" "+c.in, func(t *testing.T) {
			err := parsers[c.parser](c.in)
			if err == nil {
				t.Fatalf("%q was accepted", c.in)
			}
			if err.Suggest != c.suggest {
				t.Errorf("suggests %q, want %q (%v)", err.Suggest, c.suggest, err)
			}
			if err.Suggest != "" {
				if again := parsers[c.parser](err.Suggest); again != nil {
					t.Errorf("the suggestion %q is wrong too: %v", err.Suggest, again)
				}
				if !strings.Contains(err.Error(), strconv.Quote(err.Suggest)) {
					t.Errorf("%q does not show the suggestion", err.Error())
				}
			}
			if err.Off < 0 || err.Off+err.Len > len(c.in) || err.Want == "" || err.Msg == "" {
				t.Errorf("bad error %+v", err)
			}
		})
	}
}
