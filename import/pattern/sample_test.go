package pattern_test

import (
	"regexp"
	"slices"
	"testing"

	"github.com/anygate/anygate/import/pattern"
)

// TestSamples looks for strings among the samples of expressions, all of which must match.
func TestSamples(t *testing.T) {
	for _, tt := range []struct {
		expr string
		want []string
	}{
		{`^/b/c`, []string{"/b/c"}},
		{`^/(a|b)/(.*)$`, []string{"/a/", "/b/", "/a/x"}},
		{`^/[^/]+/c`, []string{"/a/c", "/x/c", "/ab/c"}},
		{`^/\w+$`, []string{"/a", "/ab"}},
		{`^/v[2-3]?/$`, []string{"/v/", "/v2/", "/v3/"}},
		{`^/x{2,}$`, []string{"/xx", "/xxx"}},
		{`\.php$`, []string{"/.php"}},
		{`^/(?:[[:alpha:]]{1,40}/)*$`, []string{"/", "/a/"}},
		{`^/(?!x)`, nil},
	} {
		list := pattern.Samples(tt.expr)
		if len(list) > 24 || len(list) > 0 != (tt.want != nil) {
			t.Errorf("%s has %d samples", tt.expr, len(list))
		}
		for _, want := range tt.want {
			if !slices.Contains(list, want) {
				t.Errorf("%s has no %q among its samples %q", tt.expr, want, list)
			}
		}
		for _, s := range list {
			if !regexp.MustCompile(tt.expr).MatchString(s) {
				t.Errorf("%s does not match its sample %q", tt.expr, s)
			}
		}
	}
}
