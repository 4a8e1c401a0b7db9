package policy

import (
	"strconv"
	"strings"

	"github.com/anygate/anygate/route"
)

func suggest(text string, known ...string) string { return route.Suggest(text, known) }

// lower lower-cases ASCII, which is all that field names (RFC 9110, 5.1) and hosts of origins are made of.
func lower(s string) string { return strings.ToLower(s) }

// tchar is RFC 9110's token character (5.6.2).
func tchar(c byte) bool {
	switch {
	case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		return true
	}
	return strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0
}

// checkFieldName checks that the bytes of the word from off to end are a field name.
func checkFieldName(item word, off, end int) *Error {
	name := item.Text[off:end]
	if name == "" {
		return item.wrong("the name of a header field is missing", "a field name such as X-Api-Key")
	}
	for i := 0; i < len(name); i++ {
		if !tchar(name[i]) {
			return item.part(off, len(name), strconv.Quote(name)+" is not a field name", "letters, digits and - (RFC 9110, section 5.6.2)")
		}
	}
	return nil
}

// checkFieldValue checks that the bytes of the word from off on are a field value (RFC 9110, 5.5): no control
// characters, so that a value can never end its line, and no blanks around it, which recipients would drop.
func checkFieldValue(item word, off int) *Error {
	value := item.Text[off:]
	for i := 0; i < len(value); i++ {
		if c := value[i]; c < ' ' && c != '\t' || c == 0x7f {
			return item.wrong("a header field's value holds a control character", "visible characters and blanks")
		}
	}
	if strings.Trim(value, " \t") != value {
		return item.wrong("a header field's value starts or ends with a blank", "a value without blanks around it")
	}
	return nil
}

// isHost reports whether a text can stand in a Host field (RFC 9110, 7.2): it is not empty, and has nothing but what names,
// addresses and ports are made of. Servers refuse a request with anything else, or take it apart each in its own way.
func isHost(text string) bool {
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte("-._~%:[]", c) >= 0:
		default:
			return false
		}
	}
	return text != ""
}
