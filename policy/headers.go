package policy

import (
	"strconv"
	"strings"

	"github.com/anygate/anygate/policy/variable"
)

// FieldOp is what a headers policy does with one field.
type FieldOp uint8

// The operations of a headers policy.
const (
	// AddField adds a field line and leaves those of the same name: +NAME=VALUE.
	AddField FieldOp = '+'
	// RemoveField removes all field lines of the name: -NAME.
	RemoveField FieldOp = '-'
	// SetField replaces all field lines of the name: ~NAME=VALUE.
	SetField FieldOp = '~'
)

// FieldEdit is one operation on one field. Value is as it was written, variables included.
type FieldEdit struct {
	Op    FieldOp
	Name  string
	Value string
}

// Template is the value, taken apart at its variables.
func (e *FieldEdit) Template() variable.Template {
	t, _ := variable.Parse(e.Value, variable.OfResponses) // which it was when it was read
	return t
}

// Headers edits the header fields of the response, or with the word req those of the request:
// headers +X-A=1 -Server ~Cache-Control=no-store. Values may have variables: headers req ~X-Real-IP={client}.
type Headers struct {
	Request bool
	Edits   []FieldEdit
}

var _ Policy = Headers{}

// framing are the fields that delimit messages and manage connections; AnyGate writes them itself (RFC 9110, 7.6.1,
// and RFC 9112, 6), and an edit could only break the message.
var framing = [...]string{
	"connection", "content-length", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
}

// Name returns "headers".
func (Headers) Name() string { return "headers" }

// Available says that this version edits header fields.
func (Headers) Available() bool { return true }

// Slot tells requests and responses apart.
func (h Headers) Slot() string {
	if h.Request {
		return "headers req"
	}
	return "headers"
}

// String writes the canonical line.
func (h Headers) String() string {
	var b strings.Builder
	b.WriteString(h.Slot())
	for _, e := range h.Edits {
		b.WriteByte(' ')
		b.WriteByte(byte(e.Op))
		b.WriteString(e.Name)
		if e.Op != RemoveField {
			b.WriteByte('=')
			if e.Value != "" {
				b.WriteString(quote(e.Value))
			}
		}
	}
	return b.String()
}

func parseHeaders(w *words) (Policy, *Error) {
	var h Headers
	for first := true; ; first = false {
		item, ok := w.next()
		switch {
		case !ok && len(h.Edits) == 0:
			return nil, w.missing("the list of header fields")
		case !ok:
			return h, nil
		case first && item.Text == "req":
			h.Request = true
			continue
		}
		edit, err := parseEdit(item)
		if err != nil {
			return nil, err
		}
		if err := checkEdit(item, &edit, h.Request); err != nil {
			return nil, err
		}
		h.Edits = append(h.Edits, edit)
	}
}

func parseEdit(item word) (FieldEdit, *Error) {
	const form = "+NAME=VALUE to add, -NAME to remove or ~NAME=VALUE to set"
	text := item.Text
	if text == "" || strings.IndexByte("+-~", text[0]) < 0 {
		e := item.wrong(strconv.Quote(text)+" does not say what to do with the field", form)
		if strings.Contains(text, "=") {
			e.Suggest = "~" + text
		}
		return FieldEdit{}, e
	}
	edit := FieldEdit{Op: FieldOp(text[0])}
	name, value, hasValue := strings.Cut(text[1:], "=")
	if err := checkFieldName(item, 1, 1+len(name)); err != nil {
		return FieldEdit{}, err
	}
	for _, f := range framing {
		if lower(name) == f {
			return FieldEdit{}, item.part(1, len(name), strconv.Quote(name)+" cannot be edited", "a field that does not delimit the message; AnyGate writes those itself")
		}
	}
	switch {
	case edit.Op == RemoveField && hasValue:
		return FieldEdit{}, item.wrong("a field is removed by its name alone", "-"+name)
	case edit.Op != RemoveField && !hasValue:
		return FieldEdit{}, item.wrong("the value of "+name+" is missing", form)
	}
	if hasValue {
		if err := checkFieldValue(item, 2+len(name)); err != nil {
			return FieldEdit{}, err
		}
	}
	edit.Name, edit.Value = name, value
	return edit, nil
}

// checkEdit checks what depends on the message that is edited.
func checkEdit(item word, edit *FieldEdit, request bool) *Error {
	isHostField := request && lower(edit.Name) == "host"
	if isHostField && edit.Op != SetField {
		return item.wrong("a request has exactly one Host", "~Host=NAME to set it")
	}
	known := variable.OfResponses
	switch {
	case isHostField:
		known = variable.OfHosts
	case request:
		known = variable.OfRequests
	}
	value, err := variable.Parse(edit.Value, known)
	if err != nil {
		e := item.part(2+len(edit.Name)+err.Off, err.Len, err.Msg, err.Want)
		e.Suggest = err.Suggest
		return e
	}
	if !isHostField {
		return nil
	}
	good := len(value) > 0
	for _, piece := range value {
		good = good && (piece.Var != variable.Text || isHost(piece.Text))
	}
	if !good {
		return item.wrong(strconv.Quote(edit.Value)+" is not a host", "a name or an address, with or without a port")
	}
	return nil
}
