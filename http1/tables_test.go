package http1

import (
	"strings"
	"testing"
)

func TestEveryKnownFieldNameIsRecognised(t *testing.T) {
	for id := FieldID(1); id < numFields; id++ {
		name := id.String()
		if name == "" || len(name) > maxKnownName {
			t.Fatalf("field %d has the unusable name %q", id, name)
		}
		for _, spelling := range []string{name, strings.ToLower(name), strings.ToUpper(name)} {
			if got := LookupField([]byte(spelling)); got != id {
				t.Errorf("LookupField(%q) = %d, want %d", spelling, got, id)
			}
		}
	}
	if FieldOther.String() != "" || numFields.String() != "" {
		t.Error("an unknown ID has a name")
	}
}

// A byte that becomes the right one when bit 0x20 is set, as CR becomes a hyphen, must not be taken for it.
func TestNoNeighbourOfAFieldNameIsRecognised(t *testing.T) {
	for id := FieldID(1); id < numFields; id++ {
		name := []byte(id.String())
		for i := range name {
			right := name[i]
			for c := range 256 {
				name[i] = byte(c)
				want := FieldOther
				if lowerASCII(byte(c)) == lowerASCII(right) {
					want = id
				}
				if got := LookupField(name); got != want {
					t.Fatalf("LookupField(%q) = %v, want %v", name, got, want)
				}
			}
			name[i] = right
		}
		for _, other := range []string{id.String() + "x", id.String()[1:], "X" + id.String()} {
			if got := LookupField([]byte(other)); got != FieldOther && !strings.EqualFold(got.String(), other) {
				t.Errorf("LookupField(%q) = %v", other, got)
			}
		}
	}
	if LookupField(nil) != FieldOther || LookupField([]byte(strings.Repeat("a", 200))) != FieldOther {
		t.Error("an empty or a long name is recognised")
	}
}

func TestClassesOfBytes(t *testing.T) {
	tests := []struct {
		name    string
		bit     uint8
		in, out string
	}{
		{"token", classToken, "!#$%&'*+-.^_`|~09azAZ", "\x00\t\r\n \"(),/:;<=>?@[\\]{}\x7f\x80\xff"},
		{"field value", classValue, "\t !\"~az\x80\xff", "\x00\x01\x08\n\v\f\r\x1f\x7f"},
		{"path", classPath, "/!az~\"<>\\^`{|}\x80\xff", "\x00\t\r\n #?%\x7f"},
		{"query", classQuery, "/?%!az~\x80", "\x00\t\r\n #\x7f"},
		{"host", classHost, "-._~!$&'()*+,;=az09", "\x00 /:?#[]@%\\\"<>\x7f\x80"},
		{"hex digit", classHex, "0189afAF", "gG/:@` "},
		{"quoted text", classQuoted, "\t !#[]~\x80\xff", "\x00\r\n\"\\\x7f"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for i := range len(tt.in) {
				if class[tt.in[i]]&tt.bit == 0 {
					t.Errorf("%q is not in the class", tt.in[i])
				}
			}
			for i := range len(tt.out) {
				if class[tt.out[i]]&tt.bit != 0 {
					t.Errorf("%q is in the class", tt.out[i])
				}
			}
		})
	}
}

// The word-wise searches must agree with the byte-wise definition wherever the byte is in a word.
func TestSearchesByWord(t *testing.T) {
	for size := range 20 {
		for at := range size + 1 {
			for c := range 256 {
				b := []byte(strings.Repeat("\xba", size)) // 0xba is a colon with its high bit set
				wantColon, wantControl := size, size
				if at < size {
					b[at] = byte(c)
					if c == ':' {
						wantColon = at
					}
					if c != '\t' && (c < 0x20 || c == 0x7f) {
						wantControl = at
					}
				}
				if got := indexColon(b, 0); got != wantColon {
					t.Fatalf("indexColon(%q) = %d, want %d", b, got, wantColon)
				}
				if got := indexControl(b, 0); got != wantControl {
					t.Fatalf("indexControl(%q) = %d, want %d", b, got, wantControl)
				}
			}
		}
	}
	if got := indexControl([]byte("a\tb\tc\td\te\tf\tg\r\n"), 1); got != 13 {
		t.Errorf("indexControl stops at %d, want 13", got)
	}
}

func TestErrorsHaveCodesAndStatuses(t *testing.T) {
	seen := map[string]Error{}
	for e := OK; e < numErrors; e++ {
		if e.Error() == "" || e.Error() == "unknown" {
			t.Errorf("error %d has no code", e)
		}
		if other, ok := seen[e.Error()]; ok {
			t.Errorf("errors %d and %d share the code %q", e, other, e.Error())
		}
		seen[e.Error()] = e
		if s := e.Status(); e != OK && (s < 400 || s > 599) {
			t.Errorf("%v has the status %d", e, s)
		}
	}
	for e, want := range map[Error]int{
		ErrRequestLineTooLong: 414, ErrHeadTooLarge: 431, ErrTooManyFields: 431, ErrTrailerTooLarge: 431,
		ErrUnsupportedVersion: 505, ErrExpectation: 417, ErrBadTransferCoding: 400, ErrFramingConflict: 400,
	} {
		if e.Status() != want {
			t.Errorf("%v has the status %d, want %d", e, e.Status(), want)
		}
	}
	if numErrors.Error() != "unknown" || numErrors.Status() != 400 {
		t.Error("an undefined error does not read as one")
	}
}

func TestMethods(t *testing.T) {
	for m := MethodID(1); m < numMethods; m++ {
		if LookupMethod([]byte(m.String())) != m {
			t.Errorf("LookupMethod(%q) is not its inverse", m)
		}
		if LookupMethod([]byte(strings.ToLower(m.String()))) != MethodOther {
			t.Errorf("method %q is recognised without regard to case", m)
		}
	}
	for m, want := range map[MethodID][2]bool{
		GET: {true, true}, HEAD: {true, true}, OPTIONS: {true, true}, TRACE: {true, true},
		PUT: {false, true}, DELETE: {false, true}, POST: {}, PATCH: {}, CONNECT: {}, MethodOther: {},
	} {
		if m.Safe() != want[0] || m.Idempotent() != want[1] {
			t.Errorf("%v: safe %v, idempotent %v", m, m.Safe(), m.Idempotent())
		}
	}
}

func TestTokenAndFieldValue(t *testing.T) {
	for s, want := range map[string]bool{"a": true, "X-Y_z": true, "": false, "a b": false, "a:": false, "\xe9": false} {
		if IsToken([]byte(s)) != want {
			t.Errorf("IsToken(%q) is not %v", s, want)
		}
	}
	for s, want := range map[string]bool{
		"": true, "a": true, "a b\tc": true, "\xe9": true, " a": false, "a\t": false, "a\r\nb": false, "a\x00": false, "\x7f": false,
	} {
		if IsFieldValue([]byte(s)) != want {
			t.Errorf("IsFieldValue(%q) is not %v", s, want)
		}
	}
}
