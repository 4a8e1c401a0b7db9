package variable

import (
	"strconv"
	"strings"

	"github.com/anygate/anygate/route"
)

// Piece is a part of a Template: a text, or a variable.
type Piece struct {
	Text string
	Var  Variable // Text if it is one
}

// Template is a value with variables.
type Template []Piece

// Uses are the variables in it.
func (t Template) Uses() (s Set) {
	for _, p := range t {
		if p.Var != Text {
			s |= 1 << p.Var
		}
	}
	return s
}

// Fixed returns the text of a template that has no variables, which is the same for every request.
func (t Template) Fixed() (text string, ok bool) {
	switch {
	case len(t) == 0:
		return "", true
	case len(t) == 1 && t[0].Var == Text:
		return t[0].Text, true
	}
	return "", false
}

// Error says which bytes of a text are wrong, and why.
type Error struct {
	Off, Len           int
	Msg, Want, Suggest string
}

// Parse takes a text apart. A variable is a name in braces; "{{" is a brace that stands for itself, and so is one that
// anything but a name follows, so that JSON can be written as it is. allowed are the variables that are known where the value goes.
func Parse(text string, allowed Set) (Template, *Error) {
	if name, dollar := strings.CutPrefix(text, "$"); dollar {
		if v, known := elsewhere[name]; known {
			return nil, &Error{Len: len(text), Msg: strconv.Quote(text) + " is a variable of nginx", Want: "the name of a variable in braces", Suggest: "{" + v.String() + "}"}
		}
	}
	var t Template
	var b strings.Builder
	for i := 0; i < len(text); {
		open := i
		if c := text[i]; c != '{' {
			b.WriteByte(c)
			i++
			continue
		}
		n := nameLen(text[open+1:])
		end := open + 1 + n
		switch {
		case strings.HasPrefix(text[open:], "{{"):
			b.WriteByte('{')
			i += len("{{")
			continue
		case n == 0, end < len(text) && text[end] != '}' && text[end] != '{':
			b.WriteByte('{')
			i++
			continue
		case end == len(text) || text[end] == '{':
			return nil, &Error{Off: open, Len: end - open, Msg: "the variable is not closed", Want: "} behind its name; " + escape}
		}
		v, err := lookUp(text[open+1:end], allowed)
		if err != nil {
			err.Off, err.Len = open, end+1-open
			return nil, err
		}
		if b.Len() > 0 {
			t = append(t, Piece{Text: b.String()})
			b.Reset()
		}
		t = append(t, Piece{Var: v})
		i = end + 1
	}
	if b.Len() > 0 {
		t = append(t, Piece{Text: b.String()})
	}
	return t, nil
}

const escape = "a brace that stands for itself is written {{"

// nameLen is the length of what can be meant for a name at the beginning of s, with the blanks around it; 0 if nothing can.
// Other servers have marks in names that are none here.
func nameLen(s string) int {
	begin := len(s) - len(strings.TrimLeft(s, " "))
	end := begin
	for end < len(s) && (isAlnum(s[end]) || strings.IndexByte("-_.:$", s[end]) >= 0) {
		end++
	}
	if end == begin {
		return 0
	}
	return end + len(s[end:]) - len(strings.TrimLeft(s[end:], " "))
}

func isAlnum(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

func lookUp(name string, allowed Set) (Variable, *Error) {
	switch v := find(name); {
	case v == Text:
		e := &Error{Msg: "unknown variable " + strconv.Quote("{"+name+"}"), Want: "a variable such as {client}; " + escape}
		if near := nearest(name, allowed); near != Text {
			e.Suggest = "{" + near.String() + "}"
		} else {
			e.Want = "one of " + strings.Join(allowed.names(), ", ") + "; " + escape
		}
		return Text, e
	case !allowed.Has(v):
		return Text, &Error{Msg: "the variable " + strconv.Quote("{"+name+"}") + " is not known here", Want: "one of " + strings.Join(allowed.names(), ", ")}
	default:
		return v, nil
	}
}

// nearest is the variable that was probably meant.
func nearest(name string, allowed Set) Variable {
	name = strings.TrimPrefix(strings.ToLower(strings.Trim(name, " $.")), "http.request.")
	if v, ok := elsewhere[strings.ReplaceAll(name, "-", "_")]; ok && allowed.Has(v) {
		return v
	}
	return find(route.Suggest(strings.ReplaceAll(name, "_", "-"), allowed.names()))
}
