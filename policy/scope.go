package policy

import "strconv"

// ScopeKind says what shares one counter.
type ScopeKind uint8

// The scopes of limit and conns.
const (
	PerRoute ScopeKind = iota
	PerIP
	PerHeader
)

// Scope says whose requests are counted together: all of the route, those of one client address, or those with one
// value of a header field.
type Scope struct {
	Kind ScopeKind
	// Field is the name of the header field for PerHeader, as written.
	Field string
}

// String writes the scope as it stands behind a policy.
func (s Scope) String() string {
	switch s.Kind {
	case PerIP:
		return "per ip"
	case PerHeader:
		return "per header " + s.Field
	}
	return "per route"
}

// slot names the scope without regard to the case of the field's name.
func (s Scope) slot() string {
	s.Field = lower(s.Field)
	return s.String()
}

// parseScope reads what follows the word "per".
func parseScope(w *words) (Scope, *Error) {
	item, err := w.need(`what to count "per"`)
	if err != nil {
		return Scope{}, err
	}
	switch item.Text {
	case "ip":
		return Scope{Kind: PerIP}, nil
	case "route":
		return Scope{Kind: PerRoute}, nil
	case "header":
		name, err := w.need("the name of a header field")
		if err != nil {
			return Scope{}, err
		}
		if err := checkFieldName(name, 0, len(name.Text)); err != nil {
			return Scope{}, err
		}
		return Scope{Kind: PerHeader, Field: name.Text}, nil
	}
	e := item.wrong("cannot count per "+strconv.Quote(item.Text), "per ip, per route or per header NAME")
	e.Suggest = suggest(item.Text, "ip", "route", "header")
	return Scope{}, e
}
