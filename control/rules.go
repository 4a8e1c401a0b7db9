package control

import (
	"net/netip"
	"slices"

	"github.com/anygate/anygate/http1"
	"github.com/anygate/anygate/policy"
	"github.com/anygate/anygate/policy/access"
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

// edits compiles the operations of a headers policy, in their order.
func edits(p policy.Headers) (e http1.Edits) {
	for _, edit := range p.Edits {
		switch edit.Op {
		case policy.AddField:
			e.Add(edit.Name, edit.Value)
		case policy.RemoveField:
			e.Remove(edit.Name)
		case policy.SetField:
			e.Set(edit.Name, edit.Value)
		}
	}
	return e
}

// requestEdits are what a route does to the requests that it passes on, nil for nothing.
func requestEdits(list []policy.Policy) *http1.Edits {
	for _, p := range list {
		if p, ok := p.(policy.Headers); ok && p.Request {
			return new(edits(p))
		}
	}
	return nil
}
