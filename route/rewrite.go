package route

import "strings"

// Rewrite writes the path of an upstream's request. It is immutable.
type Rewrite struct {
	pieces []piece
	tail   tail
	slash  bool // The pieces end in "/".
}

// tail says what follows the pieces.
type tail uint8

const (
	tailWhole      tail = iota // There are no pieces: the client's path, unchanged.
	tailNothing                // The URI's path replaces the whole path.
	tailRest                   // What "*" or the prefix matched.
	tailFirstParam             // Everything from the first parameter on.
)

// CompileRewrite makes the Rewrite for a target of a route.
//
//   - A target without a path passes the client's path on unchanged.
//   - Its path has ":name" replaced by the client's spelling of that segment.
//   - If it ends in "/" and names no parameter though the route has some,
//     everything from the first parameter on is appended.
//   - Otherwise, for a prefix, the rest is appended with exactly one slash
//     between; "/v1" under "/v1/" has no rest and gets no slash.
//   - Otherwise it is the whole path.
//
// An error's position is one of t.Raw.
func CompileRewrite(h Head, t Target) (Rewrite, *SyntaxError) {
	if !t.HasPath {
		return Rewrite{tail: tailWhole}, nil
	}
	pieces, err := compileTemplate(h, t.Path)
	if err != nil {
		return Rewrite{}, err.shifted(len(t.Raw) - len(t.Path))
	}
	r := Rewrite{pieces: pieces, tail: tailNothing, slash: strings.HasSuffix(t.Path, "/")}
	switch {
	case r.slash && !usesParams(pieces) && len(h.Params()) > 0:
		r.tail = tailFirstParam
	case h.HasRest():
		r.tail = tailRest
	}
	return r, nil
}

// Append appends the upstream's path to dst. raw is the client's path, norm its
// normal form, and m what Match said of it; the query is the caller's to add. It
// allocates only if dst has less room than MaxLen(len(raw)).
func (r *Rewrite) Append(dst, raw, norm []byte, m *Match) []byte {
	if r.tail == tailWhole {
		return append(dst, raw...)
	}
	client := newClientPath(raw, norm)
	for i := range r.pieces {
		if p := &r.pieces[i]; p.text != "" {
			dst = append(dst, p.text...)
		} else {
			dst = append(dst, client.param(m.Params[p.param])...)
		}
	}
	switch r.tail {
	case tailFirstParam:
		dst = append(dst, client.from(int(m.Params[0].Start))...)
	case tailRest:
		if m.Rest == len(norm) && norm[m.Rest-1] != '/' {
			return dst
		}
		if !r.slash {
			dst = append(dst, '/')
		}
		dst = append(dst, client.from(m.Rest)...)
	}
	return dst
}

// MaxLen returns how many bytes Append appends at most for a path of n bytes.
func (r *Rewrite) MaxLen(n int) int { return maxLen(r.pieces, n) + 1 + n }
