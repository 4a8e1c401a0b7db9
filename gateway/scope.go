package gateway

import (
	"github.com/anygate/anygate/http1"
	"github.com/anygate/anygate/policy/limiter"
)

// maxScopes bounds how many limits of one kind a route may have: per route, per
// address, and per header fields.
const maxScopes = 4

// MaxScopes is maxScopes, for those who compile policies.
const MaxScopes = maxScopes

// Scope is what tells those apart that a limit counts separately, where it does
// not count all of a route together.
type Scope struct {
	id   http1.FieldID // of the header field
	name string        // in lower case; empty counts by the client's address
}

// PerAddress counts by the client's address, after Settings.Trust.
func PerAddress() Scope { return Scope{} }

// PerField counts by the value of a header field of the request, the name of
// which is in lower case.
func PerField(name string) Scope {
	return Scope{id: http1.LookupField([]byte(name)), name: name}
}

// key is whom a request counts for. A field that stands in several lines counts
// with all of them, because nobody knows which one the action will take; those
// who do not send it count as one.
func (s *Scope) key(x *Exchange, h *http1.Request, hash *limiter.Hash) uint64 {
	if s.name == "" {
		return hash.Addr(x.Client())
	}
	i := h.First(s.id)
	if s.id == http1.FieldOther {
		i = h.Find(s.name)
	}
	if i < 0 {
		return hash.Bytes(nil)
	}
	key := hash.Bytes(h.Value(&h.Fields[i]))
	for i = h.Next(i); i >= 0; i = h.Next(i) {
		key = hash.Add(key, h.Value(&h.Fields[i]))
	}
	return key
}
