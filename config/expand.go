package config

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// piece is a part of a string's value that was replaced: the bytes from off to off+n of the value in the file became
// the bytes from newOff to newOff+newN of the expanded one.
type piece struct {
	off, n       int
	newOff, newN int
}

// expand replaces ${NAME} and ${NAME:-default} in the value of a scalar by what the environment holds; as in a shell,
// the default also stands for an empty variable. $${ is a literal ${. A $ before anything else is itself.
func (l *loader) expand(n *node) {
	if !strings.Contains(n.text, "${") {
		return
	}
	var b strings.Builder
	raw := n.text
	for i := 0; i < len(raw); {
		start := strings.IndexByte(raw[i:], '$')
		if start < 0 {
			b.WriteString(raw[i:])
			break
		}
		start += i
		b.WriteString(raw[i:start])
		width, value := 1, "$"
		switch {
		case strings.HasPrefix(raw[start:], "$${"):
			width, value = 3, "${"
		case strings.HasPrefix(raw[start:], "${"):
			width, value = l.reference(n, start)
		}
		if width > 1 {
			n.pieces = append(n.pieces, piece{start, width, b.Len(), len(value)})
		}
		b.WriteString(value)
		i = start + width
		if b.Len() > maxExpandedBytes {
			l.rawError(n, 0, len(raw), Diagnostic{Msg: "the string is too long with its variables replaced", Want: "at most 1MiB"})
			break
		}
	}
	n.raw, n.text = raw, b.String()
}

// reference replaces the reference at off of the value of n. n has no pieces yet that diagnostics could trip over:
// until expand has ended, offsets are those of the value in the file.
func (l *loader) reference(n *node, off int) (width int, value string) {
	end := strings.IndexByte(n.text[off:], '}')
	if end < 0 {
		l.rawError(n, off, len(n.text)-off, Diagnostic{
			Msg: "${ is not closed", Want: "${NAME} or ${NAME:-default}, or $${ for a literal ${",
		})
		return len(n.text) - off, ""
	}
	width = end + 1
	name, fallback, hasDefault := strings.Cut(n.text[off+2:off+end], ":-")
	if !envName(name) {
		l.rawError(n, off, width, Diagnostic{
			Msg:  strconv.Quote(name) + " is not the name of an environment variable",
			Want: "${NAME} or ${NAME:-default}, or $${ for a literal ${",
		})
		return width, ""
	}
	value, ok := l.opt.LookupEnv(name)
	if !utf8.ValidString(value) {
		l.rawError(n, off, width, Diagnostic{Msg: "the environment variable " + name + " is not UTF-8", Want: "text in UTF-8"})
		return width, ""
	}
	if value == "" && hasDefault {
		return width, fallback
	}
	if value != "" && !slices.Contains(l.environment, value) {
		l.environment = append(l.environment, value)
	}
	if !ok {
		l.rawError(n, off, width, Diagnostic{
			Kind: KindMissing,
			Msg:  "the environment variable " + name + " is not set", Want: "a value in the environment, or a default: ${" + name + ":-default}",
		})
	}
	return width, value
}

func envName(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if !(c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || i > 0 && c >= '0' && c <= '9') {
			return false
		}
	}
	return s != ""
}

// unexpanded translates an offset of the expanded value to one of the value in the file. Inside a replaced part it is
// the part's start, or its end for the end of a range.
func (n *node) unexpanded(off int, end bool) int {
	shift := 0
	for _, p := range n.pieces {
		switch {
		case off < p.newOff || off == p.newOff && end:
			return off + shift
		case off < p.newOff+p.newN || off == p.newOff || off == p.newOff+p.newN && end:
			if end {
				return p.off + p.n
			}
			return p.off
		}
		shift = p.off + p.n - p.newOff - p.newN
	}
	return off + shift
}
