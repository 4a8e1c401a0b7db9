package route

import (
	"strings"
	"testing"
)

// wantError is a SyntaxError as a test writes it down: at is the text under the
// caret, off where it begins, msg a part of the message.
type wantError struct {
	name    string
	in      string
	off     int
	at      string
	msg     string
	suggest string
}

func (w wantError) check(t *testing.T, err *SyntaxError) {
	t.Helper()
	if err == nil {
		t.Fatalf("%q was accepted", w.in)
	}
	checkPosition(t, w.in, err)
	if at := w.in[err.Off : err.Off+err.Len]; err.Off != w.off || at != w.at {
		t.Errorf("%q: caret under %q at %d, want %q at %d", w.in, at, err.Off, w.at, w.off)
	}
	if !strings.Contains(err.Msg, w.msg) {
		t.Errorf("%q: message %q does not contain %q", w.in, err.Msg, w.msg)
	}
	if err.Suggest != w.suggest {
		t.Errorf("%q: suggests %q, want %q", w.in, err.Suggest, w.suggest)
	}
	if err.Want == "" {
		t.Errorf("%q: %q says not what was expected", w.in, err.Msg)
	}
}

// checkPosition checks what SyntaxError promises of its range.
func checkPosition(t *testing.T, in string, err *SyntaxError) {
	t.Helper()
	if err.Off < 0 || err.Len < 0 || err.Off+err.Len > len(in) {
		t.Fatalf("%q: range %d+%d lies outside the text", in, err.Off, err.Len)
	}
	if err.Msg == "" {
		t.Fatalf("%q: error without a message", in)
	}
}

func TestSyntaxErrorSaysEverything(t *testing.T) {
	_, _, err := ParseAction("FORBIDEN")
	want := `unknown status "FORBIDEN" at byte 0: expected a status name or number, a directory, or an upstream URI; did you mean "FORBIDDEN"?`
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}
