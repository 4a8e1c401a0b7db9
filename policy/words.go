package policy

import (
	"strconv"
	"strings"

	"github.com/anygate/anygate/policy/quantity"
	"github.com/anygate/anygate/route"
)

// word is one argument. Text has quotes and escapes removed, Off and Len are the range it was written in.
type word struct {
	Text     string
	Off, Len int
	// at maps offsets of Text to offsets of the arguments when quotes or escapes made them differ; nil otherwise.
	at []int
}

// wrong returns an error about the whole word.
func (w word) wrong(msg, want string) *Error {
	return &Error{Off: w.Off, Len: w.Len, Msg: msg, Want: want}
}

// part returns an error about the bytes of Text from off to off+n.
func (w word) part(off, n int, msg, want string) *Error {
	e := &Error{Off: w.Off + off, Len: n, Msg: msg, Want: want}
	if w.at != nil {
		e.Off = w.at[off]
		e.Len = w.at[off+n] - e.Off
	}
	return e
}

// words is the list of arguments that a policy's parser consumes.
type words struct {
	list []word
	i    int
	// form shows how the policy is written, for messages.
	form string
}

func blank(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

func trimLeft(s string) string  { return strings.TrimLeft(s, " \t\r\n") }
func trimRight(s string) string { return strings.TrimRight(s, " \t\r\n") }

// split divides args at blanks. A part of a word in double quotes may hold blanks; inside, \" and \\ stand for a
// quote and a backslash.
func split(args string) (*words, *Error) {
	w := &words{}
	for i := 0; ; {
		for i < len(args) && blank(args[i]) {
			i++
		}
		if i == len(args) {
			return w, nil
		}
		item, err := scanWord(args, i)
		if err != nil {
			return nil, err
		}
		w.list = append(w.list, item)
		i = item.Off + item.Len
	}
}

func scanWord(args string, start int) (word, *Error) {
	i := start
	for i < len(args) && !blank(args[i]) && args[i] != '"' {
		i++
	}
	if i == len(args) || args[i] != '"' {
		return word{Text: args[start:i], Off: start, Len: i - start}, nil
	}
	var text []byte
	var at []int
	opened := -1
	for i = start; i < len(args) && (opened >= 0 || !blank(args[i])); i++ {
		switch c := args[i]; {
		case c == '"' && opened < 0:
			opened = i
			continue
		case c == '"':
			opened = -1
			continue
		case c == '\\' && opened >= 0 && i+1 < len(args) && (args[i+1] == '"' || args[i+1] == '\\'):
			at = append(at, i)
			i++
		default:
			at = append(at, i)
		}
		text = append(text, args[i])
	}
	if opened >= 0 {
		return word{}, &Error{Off: opened, Len: len(args) - opened, Msg: "a quote is not closed", Want: `a closing " before the end of the policy`}
	}
	return word{Text: string(text), Off: start, Len: i - start, at: append(at, i)}, nil
}

// quote writes s as a word.
func quote(s string) string {
	if s != "" && !strings.ContainsAny(s, " \t\r\n\"") {
		return s
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// next consumes and returns the next word.
func (w *words) next() (word, bool) {
	if w.i == len(w.list) {
		return word{}, false
	}
	w.i++
	return w.list[w.i-1], true
}

// need consumes the next word, which must be there.
func (w *words) need(what string) (word, *Error) {
	item, ok := w.next()
	if !ok {
		return word{}, w.missing(what)
	}
	return item, nil
}

// missing returns an error about a word that should follow the last one consumed.
func (w *words) missing(what string) *Error {
	e := &Error{Msg: what + " is missing", Want: w.form}
	if w.i > 0 {
		e.Off, e.Len = w.list[w.i-1].Off, w.list[w.i-1].Len
	}
	return e
}

// unexpected returns an error about a word that has no meaning where it stands.
func (w *words) unexpected(item word, known ...string) *Error {
	e := item.wrong("unexpected "+strconv.Quote(item.Text), w.form)
	// A word that is right, but there for the second time, needs no suggestion.
	if s := route.Suggest(item.Text, known); s != item.Text {
		e.Suggest = s
	}
	return e
}

// quantityError moves an error of package quantity to the place of the word.
func quantityError(item word, err *quantity.Error) *Error {
	e := item.part(err.Off, err.Len, err.Msg, err.Want)
	if err.Len == 0 {
		e.Off, e.Len = item.Off, item.Len
	}
	e.Suggest = err.Suggest
	return e
}
