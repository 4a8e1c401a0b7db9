package route

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// piece is a part of a path that is written anew: a text, or the value of a
// parameter.
type piece struct {
	text  string // "" if it is a parameter.
	param int    // Index into Match.Params.
}

// compileTemplate takes apart a path with ":name" in it. A name is what follows
// ":" up to the first character no name has, so "/:id.json" works; within a
// segment a ":" before anything but a parameter of h stands for itself.
func compileTemplate(h Head, text string) ([]piece, *SyntaxError) {
	names := h.Params()
	var pieces []piece
	var b strings.Builder
	for i := 0; i < len(text); {
		if text[i] == ':' && i+1 < len(text) && isNameStart(text[i+1]) {
			end := i + 1
			for end < len(text) && isNameByte(text[end]) {
				end++
			}
			param := slices.Index(names, text[i+1:end])
			if param < 0 && i > 0 && text[i-1] == '/' {
				return nil, unknownParam(h, text[i:end], names).shifted(i)
			}
			if param >= 0 {
				if b.Len() > 0 {
					pieces = append(pieces, piece{text: b.String()})
					b.Reset()
				}
				pieces = append(pieces, piece{param: param})
				i = end
				continue
			}
		}
		if c := text[i]; classes[c] == classEscape {
			writeEscape(&b, c)
		} else {
			b.WriteByte(c)
		}
		i++
	}
	if b.Len() > 0 {
		pieces = append(pieces, piece{text: b.String()})
	}
	return pieces, nil
}

func unknownParam(h Head, text string, names []string) *SyntaxError {
	e := &SyntaxError{
		Len: len(text), Msg: fmt.Sprintf("the route %q has no parameter %q", h.String(), text), Want: "a parameter of the route",
	}
	if len(names) == 0 {
		e.Want = `a route with ":name" in its path`
	}
	if near := Suggest(text[1:], names); near != "" {
		e.Suggest = ":" + near
	}
	return e
}

// usesParams reports whether a parameter is among the pieces.
func usesParams(pieces []piece) bool {
	return slices.ContainsFunc(pieces, func(p piece) bool { return p.text == "" })
}

// clientPath is a request's path in both spellings.
type clientPath struct {
	raw  []byte
	same bool // raw is in normal form, so offsets need no translation.
}

func newClientPath(raw, norm []byte) clientPath {
	return clientPath{raw, bytes.Equal(raw, norm)}
}

// from returns the client's spelling of everything from the offset of the
// normalised path on.
func (c clientPath) from(off int) []byte {
	if !c.same {
		off = RawRest(c.raw, off)
	}
	return c.raw[min(off, len(c.raw)):]
}

// param returns the client's spelling of a parameter's value: one whole segment.
func (c clientPath) param(s Span) []byte {
	rest := c.from(int(s.Start))
	if i := bytes.IndexByte(rest, '/'); i >= 0 {
		return rest[:i]
	}
	return rest
}

// maxLen returns how many bytes the pieces take at most if a parameter takes n.
func maxLen(pieces []piece, n int) int {
	total := 0
	for _, p := range pieces {
		total += len(p.text)
		if p.text == "" {
			total += n
		}
	}
	return total
}
