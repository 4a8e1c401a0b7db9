package telemetry

import (
	"bytes"
	"strings"
	"testing"
)

const goodParent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

func TestTraceParent(t *testing.T) {
	for _, tt := range []struct {
		name, in string
		ok       bool
	}{
		{"sampled", goodParent, true},
		{"not sampled", strings.TrimSuffix(goodParent, "1") + "0", true},
		{"other flags", strings.TrimSuffix(goodParent, "01") + "fe", true},
		{"empty", "", false},
		{"short", goodParent[:54], false},
		{"upper case", strings.ToUpper(goodParent), false},
		{"no digit", strings.Replace(goodParent, "4bf9", "4bg9", 1), false},
		{"no trace", "00-00000000000000000000000000000000-00f067aa0ba902b7-01", false},
		{"no span", "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01", false},
		{"too long for version 00", goodParent + "-00", false},
		{"version ff", "ff" + goodParent[2:], false},
		{"later version", "01" + goodParent[2:], true},
		{"later version with more", "cc" + goodParent[2:] + "-what-ever", true},
		{"later version that runs on", "cc" + goodParent[2:] + ".what", false},
		{"underscores", strings.ReplaceAll(goodParent, "-", "_"), false},
	} {
		p, ok := ParseTraceParent([]byte(tt.in))
		if ok != tt.ok {
			t.Errorf("%s: %q is read as %v", tt.name, tt.in, ok)
		}
		if !ok && p != (TraceParent{}) {
			t.Errorf("%s: something is left of it: %v", tt.name, p)
		}
		if ok {
			want := "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"
			if tt.in[54] == '1' {
				want = goodParent
			}
			if got := string(p.Append(nil)); got != want {
				t.Errorf("%s: written %s, want %s", tt.name, got, want)
			}
		}
	}
}

func FuzzTraceParent(f *testing.F) {
	f.Add([]byte(goodParent))
	f.Add([]byte("cc" + goodParent[2:] + "-x"))
	f.Fuzz(func(t *testing.T, in []byte) {
		p, ok := ParseTraceParent(in)
		if !ok {
			return
		}
		out := p.Append(nil)
		if again, ok := ParseTraceParent(out); !ok || again != p {
			t.Fatalf("%q is written %q, and read as %v", in, out, again)
		}
		if !bytes.Equal(out[2:52], in[2:52]) {
			t.Fatalf("%q is written %q", in, out)
		}
	})
}

func TestStateMembers(t *testing.T) {
	for _, tt := range []struct {
		in string
		n  int
		ok bool
	}{
		{"", 0, true},
		{"a=1", 1, true},
		{"a=1,b@c=2 , d=x y", 3, true},
		{",,a=1,", 1, true},
		{"a", 0, false},
		{"=1", 0, false},
		{"a=", 0, false},
		{"a=1=2", 0, false},
		{"a=ü", 0, false},
		{strings.Repeat("a=1,", 32), 32, true},
		{strings.Repeat("a=1,", 33), 0, false},
	} {
		if n, ok := StateMembers([]byte(tt.in)); n != tt.n || ok != tt.ok {
			t.Errorf("%q has %d members, %v", tt.in, n, ok)
		}
	}
}
