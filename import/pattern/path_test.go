package pattern

import "testing"

func TestHeadsBesideEachOther(t *testing.T) {
	for _, tt := range []struct {
		one, other           string
		meet, covers, before bool
	}{
		{"/a", "/a", true, true, false},
		{"/a", "/b", false, false, false},
		{"/a/*", "/a/b", true, true, false},
		{"/a/", "/a/b", true, true, false},
		{"/a/b", "/a/*", true, false, true},
		{"/", "/a/b/c", true, true, false},
		{"/:p1", "/a", true, true, false},
		{"/a", "/:p1", true, false, true},
		{"/:p1", "/a/b", false, false, false},
		{"/:p1/x", "/users/:p1", true, false, false},
		{"/users/:p1", "/:p1/x", true, false, true},
		{"/:p1/*", "/users/:p1", true, true, false},
		{"/a/:p1", "/a/*", true, false, true},
		{"/a/b/c", "/a/b", false, false, false},
		{"/a", "/a/*", false, false, false},
		{"/a/*", "/a", false, false, false},
		{"/a/*", "/a/*", true, true, false},
	} {
		t.Run(tt.one+" "+tt.other, func(t *testing.T) {
			meet, covers := Meet(tt.one, tt.other), Covers(tt.one, tt.other)
			before := meet && Before(tt.one, tt.other)
			if meet != tt.meet || covers != tt.covers || before != tt.before {
				t.Errorf("meet %v, covers %v, before %v", meet, covers, before)
			}
		})
	}
}
