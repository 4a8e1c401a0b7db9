package nginx

import (
	"strconv"
	"strings"
	"time"
)

// count reports whether s is a number without a sign that AnyGate can hold.
func count(s string) bool {
	n, err := strconv.ParseInt(s, 10, 32)
	return err == nil && n >= 0 && s[0] != '+'
}

// size turns a size of nginx (10m, 512k, 1g, bytes) into one of AnyGate.
func size(s string) (string, bool) {
	n, ok := bytes(s)
	if !ok {
		return "", false
	}
	for _, u := range []struct {
		name string
		of   int64
	}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}} {
		if n > 0 && n%u.of == 0 {
			return strconv.FormatInt(n/u.of, 10) + u.name, true
		}
	}
	return strconv.FormatInt(n, 10) + "B", true
}

func bytes(s string) (int64, bool) {
	unit := int64(1)
	if s != "" {
		switch s[len(s)-1] {
		case 'k', 'K':
			unit = 1 << 10
		case 'm', 'M':
			unit = 1 << 20
		case 'g', 'G':
			unit = 1 << 30
		}
		if unit > 1 {
			s = s[:len(s)-1]
		}
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n * unit, err == nil && n >= 0 && n <= (1<<62)/unit
}

var units = []struct {
	name string
	of   time.Duration
}{
	{"ms", time.Millisecond},
	{"y", 365 * 24 * time.Hour},
	{"M", 30 * 24 * time.Hour},
	{"w", 7 * 24 * time.Hour},
	{"d", 24 * time.Hour},
	{"h", time.Hour},
	{"m", time.Minute},
	{"s", time.Second},
}

// span reads a time of nginx: 60, 1m30s, 1d 12h.
func span(s string) (time.Duration, bool) {
	var total time.Duration
	s = strings.TrimSpace(s)
	if s == "" {
		return 0, false
	}
	for s != "" {
		i := 0
		for i < len(s) && s[i] >= '0' && s[i] <= '9' {
			i++
		}
		n, err := strconv.ParseInt(s[:i], 10, 32)
		if err != nil {
			return 0, false
		}
		s = s[i:]
		unit := time.Second
		for _, u := range units {
			if strings.HasPrefix(s, u.name) {
				unit, s = u.of, s[len(u.name):]
				break
			}
		}
		if total += time.Duration(n) * unit; total < 0 {
			return 0, false
		}
		if rest := strings.TrimLeft(s, " "); s != "" && rest != "" && (rest[0] < '0' || rest[0] > '9') {
			return 0, false
		} else {
			s = rest
		}
	}
	return total, true
}

// duration writes a time as AnyGate reads it.
func duration(d time.Duration) string {
	if d == 0 {
		return "0s"
	}
	for _, u := range []struct {
		name string
		of   time.Duration
	}{{"d", 24 * time.Hour}, {"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}} {
		if d%u.of == 0 && (u.name == "s" || d/u.of > 1 || d == u.of && u.name != "m") {
			return strconv.FormatInt(int64(d/u.of), 10) + u.name
		}
	}
	return strconv.FormatInt(d.Milliseconds(), 10) + "ms"
}
