package quantity

import "strconv"

// Error says which bytes of a text are not a quantity, and why.
type Error struct {
	// Off and Len are the offending byte range of the text given to the parser.
	Off, Len int
	// Msg says what is wrong and quotes the offending text.
	Msg string
	// Want says what was expected.
	Want string
	// Suggest is the spelling that was probably meant, or empty.
	Suggest string
}

// Error returns the message with the expectation, on one line.
func (e *Error) Error() string {
	s := e.Msg
	if e.Want != "" {
		s += "; expected " + e.Want
	}
	if e.Suggest != "" {
		s += "; did you mean " + strconv.Quote(e.Suggest) + "?"
	}
	return s
}

func wrong(s, what, want string) *Error {
	if s == "" {
		return &Error{Msg: "empty " + what, Want: want}
	}
	return &Error{Len: len(s), Msg: strconv.Quote(s) + " is not a " + what, Want: want}
}
