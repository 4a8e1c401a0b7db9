package config

import (
	"slices"
	"strconv"
	"strings"

	"github.com/anygate/anygate/route"
)

// warnHead warns of what other programs write for a method or a parameter. Here it is a method or a path of its own, which no
// client asks for.
func (l *loader) warnHead(key *node, h route.Head) {
	for _, m := range h.Methods {
		d := Diagnostic{Msg: "the method " + strconv.Quote(m) + " is another one than "}
		switch upper := strings.ToUpper(m); {
		case m == "ALL" || m == "ANY":
			d = Diagnostic{Msg: strconv.Quote(m) + " is taken for a method of that name", Want: `no method, or "*", for all of them`, Suggest: "*"}
		case m != upper && route.KnownMethod(upper):
			d.Msg += strconv.Quote(upper) + ": upper and lower case count"
			d.Suggest = upper
		default:
			continue
		}
		at, length := wordIn(key.text, m)
		l.warnIn(key, at, length, d)
	}
	start := strings.LastIndexByte(strings.TrimRight(key.text, " \t"), ' ') + 1
	for off := start; off < len(key.text); {
		segment, _, _ := strings.Cut(key.text[off:], "/")
		if name, ok := braced(segment); ok {
			l.warnIn(key, off, len(segment), Diagnostic{
				Msg: strconv.Quote(segment) + " is no parameter, but matched as it stands", Want: ":name for one segment", Suggest: ":" + name,
			})
		}
		off += len(segment) + len("/")
	}
}

// braced is the name in a segment such as {id}, <id> or [id].
func braced(segment string) (name string, ok bool) {
	if len(segment) < 3 || !slices.Contains([]string{"{}", "<>", "[]"}, segment[:1]+segment[len(segment)-1:]) {
		return "", false
	}
	name = segment[1 : len(segment)-1]
	return name, !strings.ContainsFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '_'
	})
}

// warnDirectory warns of a directory at a path that is exact: nothing that is in it is ever served but its index.
func (l *loader) warnDirectory(d *draft) {
	if d.Head.Path == "" || d.Head.Prefix {
		return
	}
	l.warn(d.key, Diagnostic{
		Msg:  "the path is exact: of the directory nothing but its index is served, and only here",
		Want: `a path that ends in "/", which is for everything below it as well; or a file`, Suggest: strings.TrimSpace(d.key.text) + "/",
	})
}
