package static

import (
	"regexp"
	"testing"
)

// The grammar of entity-tag lists as regular expressions: a member and what must
// follow it, the tag that is looked for, and the list that is an asterisk.
var (
	tagMember = regexp.MustCompile(`^[ \t,]*(W/)?("[^"]*")[ \t]*(,|$)`)
	tagWanted = regexp.MustCompile(`^[ \t,]*(W/)?"a"`)
	anyTag    = regexp.MustCompile(`^[ \t]*\*[ \t]*$`)
)

// FuzzMatchesList compares the reader of entity-tag lists with the grammar.
func FuzzMatchesList(f *testing.F) {
	for _, seed := range []string{
		`"a"`, `W/"a"`, `*`, ` * `, `"b", "a"`, `, ,"a",,`, `"b" "a"`, `"a`, `W/`, `"b, \"a"`, `"b",W/"a","a"`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, list []byte) {
		v := validators{tag: []byte(`"a"`)}
		for _, strong := range []bool{false, true} {
			if got, want := v.matchesList(list, strong), referenceMatches(list, strong); got != want {
				t.Fatalf("%q, strong %v: %v, want %v", list, strong, got, want)
			}
		}
	})
}

func referenceMatches(list []byte, strong bool) bool {
	if anyTag.Match(list) {
		return true
	}
	for {
		m := tagMember.FindSubmatch(list)
		if m == nil {
			// The last tag read may match even though what follows it is no list.
			last := tagWanted.FindSubmatch(list)
			return last != nil && !(strong && len(last[1]) > 0)
		}
		if string(m[2]) == `"a"` && !(strong && len(m[1]) > 0) {
			return true
		}
		list = list[len(m[0]):]
	}
}
