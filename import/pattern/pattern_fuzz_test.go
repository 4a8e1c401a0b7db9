package pattern

import (
	"regexp"
	"strings"
	"testing"
)

// FuzzShapes wants every literal path that an expression becomes to be matched by the expression.
func FuzzShapes(f *testing.F) {
	for _, s := range []string{"^/old/(.*)$", "^/(a|b)?c$", "^/users/([^/]+)/x", `^/a\.b$`, "^/v[12]$", "^/a(?<n>b)$", "^/a(/|$)(.*)"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, expr string) {
		list, ok := Shapes(expr)
		re, err := regexp.Compile("(?s)" + expr)
		for _, s := range list {
			h, is := s.Head()
			if ok && is && err == nil && !s.open() && h.Loose == "" && !strings.HasSuffix(expr, "(/|$)") && !re.MatchString(h.Path) {
				t.Errorf("%q becomes %q, which it does not match", expr, h.Path)
			}
		}
	})
}
