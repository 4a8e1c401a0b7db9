package route

import (
	"fmt"
	"strings"
)

// SyntaxError says what is wrong with a text of the configuration language, and
// where. 0 <= Off, 0 <= Len and Off+Len <= len(text) always hold; Len is 0 where
// something is missing, and Off then says where it is missing.
type SyntaxError struct {
	Off, Len int
	Msg      string // What is wrong, quoting the text.
	Want     string // What was expected there, to be read after "expected"; "" if Msg says it all.
	Suggest  string // What was probably meant; "" if there is no telling.
}

// Error gives the whole message on one line.
func (e *SyntaxError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s at byte %d", e.Msg, e.Off)
	if e.Want != "" {
		b.WriteString(": expected ")
		b.WriteString(e.Want)
	}
	if e.Suggest != "" {
		fmt.Fprintf(&b, "; did you mean %q?", e.Suggest)
	}
	return b.String()
}

// shifted moves the error's position by n bytes: a part's error becomes one of
// the text that holds the part.
func (e *SyntaxError) shifted(n int) *SyntaxError {
	if e != nil {
		e.Off += n
	}
	return e
}
