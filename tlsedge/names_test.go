package tlsedge

import "testing"

func TestNames(t *testing.T) {
	n := &Names{}
	for i, pattern := range []string{"admin.example.com", "*.example.com", "*.in.example.com", "Other.Example"} {
		if !n.Add(pattern, i) {
			t.Errorf("%s is there twice", pattern)
		}
	}
	if n.Add("ADMIN.example.com", 9) || n.Add("*.example.com", 9) {
		t.Error("a pattern is there twice")
	}
	for name, want := range map[string]int{
		"admin.example.com": 0, "Admin.Example.COM": 0, "a.example.com": 1, "a.b.example.com": 1, "x.in.example.com": 2, "in.example.com": 1,
		"a.b.in.example.com": 2, "example.com": -1, ".example.com": -1, "": -1, "other.example": 3, "x.other.example": -1, "example": -1, "com": -1,
	} {
		if got := n.Index(name); got != want {
			t.Errorf("%q: %d, want %d", name, got, want)
		}
		if got := n.IndexHost([]byte(name)); got != want {
			t.Errorf("host %q: %d, want %d", name, got, want)
		}
	}
	for host, want := range map[string]int{
		"admin.example.com:8443": 0, "admin.example.com.": 0, "ADMIN.EXAMPLE.COM.:443": 0, "a.example.com:": 1, "[::1]:443": -1, "10.0.0.1": -1, ":443": -1,
	} {
		if got := n.IndexHost([]byte(host)); got != want {
			t.Errorf("host %q: %d, want %d", host, got, want)
		}
	}
	var none *Names
	if none.Index("a") != -1 || none.IndexHost([]byte("a")) != -1 {
		t.Error("no names have terms of their own")
	}
	host := []byte("A.B.in.Example.com:443")
	if allocs := testing.AllocsPerRun(100, func() { n.IndexHost(host); n.Index("a.b.in.example.com") }); allocs > 0 {
		t.Errorf("%v allocations", allocs)
	}
}
