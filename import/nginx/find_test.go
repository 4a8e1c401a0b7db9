package nginx

import (
	"strings"
	"testing"
)

// place makes a location of its text, with others in it.
func place(text string, within ...*node) *node {
	n := &node{name: "location", args: strings.Fields(text), block: true, children: within}
	for _, c := range within {
		c.parent = n
	}
	return n
}

// TestFind are the choices of nginx; TestRandomLocations asks nginx itself for many more.
func TestFind(t *testing.T) {
	proxy := &node{name: "proxy_pass", args: []string{"http://10.0.0.1"}}
	server := &node{name: "server", children: []*node{
		place("/", place("~ ^/in/")),
		place("= /exact"),
		place("/exact"),
		place("/firm/", place("^~ /firm/in/")),
		place("^~ /stop/", place("/stop/in/"), place(`~ ^/stop/in/(a|b)$`)),
		place("/pass/", proxy),
		place("/long/", place("/long/er/x")),
		place("/long/er/"),
		place(`~ \.php$`, place("/pass/x")),
		place(`~* ^/case/`),
		place(`~ ^/firm/in/`),
		place(`~ ^/stop/`),
		place(`~ ^/(?!x)`),
		place("@named"),
	}}
	f := newFinder(locations(server, nil))
	for path, want := range map[string]string{
		"/":              "/",
		"/other":         "/",
		"/in/x":          "~ ^/in/",
		"/exact":         "= /exact",
		"/exacter":       "/exact",
		"/firm/in/x":     "~ ^/firm/in/", // ^~ within /firm/ does not stop what stands beside that.
		"/firm/x":        "/firm/",
		"/stop/x":        "^~ /stop/",
		"/stop/in/x":     "/stop/in/",
		"/stop/in/a":     `~ ^/stop/in/(a|b)$`,
		"/pass":          "", // It is redirected.
		"/pass/y":        "/pass/",
		"/pass/x.php":    "/pass/x",
		"/long/er/x":     "/long/er/", // The longer one is looked for within a location that is not chosen.
		"/long/er/x.php": `~ \.php$`,
		"/Case/x":        `~* ^/case/`,
	} {
		got := ""
		if l, _ := f.find(nil, path); l != nil {
			got = strings.Join(l.n.args, " ")
		}
		if got != want {
			t.Errorf("%s gets location %q, not %q", path, got, want)
		}
	}
}
