package policy

import (
	"reflect"
	"testing"
)

// FuzzParseLine checks that nothing panics, that errors point into the line, and that canonical lines are stable.
func FuzzParseLine(f *testing.F) {
	for _, s := range []string{
		"limit 100/s burst 200 per ip", "headers req +X-A=1 -Server ~B=\"a \\\" b\"", "cors https://a.example credentials maxage 1h",
		"allow 10.0.0.0/8 ::1", "auth header X-Key KEYS", "cache 60s stale 30s", "balance hash header X", "log 0.25%", "token f issuer i.example:1 origin a,b type 1 maxage 1h secret S", "compress", "x",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, line string) {
		p, err := ParseLine(line)
		if err != nil {
			if err.Off < 0 || err.Len < 0 || err.Off+err.Len > len(line) {
				t.Fatalf("the range %d+%d is outside of %q", err.Off, err.Len, line)
			}
			return
		}
		again, err := ParseLine(p.String())
		if err != nil {
			t.Fatalf("%q became %q, which is wrong: %v", line, p.String(), err)
		}
		if !reflect.DeepEqual(p, again) {
			t.Fatalf("%q became %q, which is another policy: %#v, not %#v", line, p.String(), again, p)
		}
	})
}
