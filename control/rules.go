package control

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/anygate/anygate/gateway"
	"github.com/anygate/anygate/http1"
	"github.com/anygate/anygate/policy"
	"github.com/anygate/anygate/policy/access"
	"github.com/anygate/anygate/policy/variable"
)

// accessList joins allow and deny, which judge together.
func accessList(list []policy.Policy) *access.List {
	var allow, deny []netip.Prefix
	for _, p := range list {
		switch p := p.(type) {
		case policy.Allow:
			allow = p.Prefixes
		case policy.Deny:
			deny = p.Prefixes
		}
	}
	return access.New(allow, deny)
}

// origins are those of a policy, with the word for all of them.
func origins(p policy.CORS) []string {
	if p.Any {
		return append(slices.Clone(p.Origins), "*")
	}
	return p.Origins
}

// edits compiles the operations of a headers policy, in their order. Where values have variables, what comes is in lines and
// not in the edits; nil for none.
func edits(p policy.Headers) (e http1.Edits, lines *gateway.FieldLines) {
	type line struct {
		name  string
		value variable.Template
	}
	var come []line
	varies := false
	for i := range p.Edits {
		edit := &p.Edits[i]
		if edit.Op != policy.AddField {
			e.Remove(edit.Name)
			come = slices.DeleteFunc(come, func(l line) bool { return strings.EqualFold(l.name, edit.Name) })
		}
		if edit.Op != policy.RemoveField {
			come = append(come, line{edit.Name, edit.Template()})
		}
	}
	for _, l := range come {
		_, fixed := l.value.Fixed()
		varies = varies || !fixed
	}
	if varies {
		lines = new(gateway.FieldLines)
	}
	for _, l := range come {
		switch text, fixed := l.value.Fixed(); {
		case !varies:
			e.Add(l.name, text)
		case fixed:
			lines.Fixed(l.name, text)
		default:
			lines.Varying(l.name, l.value)
		}
	}
	return e, lines
}

// requestEdits are what a route does to the requests that it passes on, nil for nothing.
func requestEdits(list []policy.Policy) (*http1.Edits, *gateway.FieldLines) {
	for _, p := range list {
		if p, ok := p.(policy.Headers); ok && p.Request {
			e, lines := edits(p)
			return &e, lines
		}
	}
	return nil, nil
}
