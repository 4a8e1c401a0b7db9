package document

import (
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

func TestWrite(t *testing.T) {
	m := Map{
		{Key: "listen", Value: Texts(":80", ":443 tls")},
		{Key: "static", Value: Map{{Key: "spa", Value: Word("off")}}, Beside: "as before"},
		{Key: "routes", Open: true, Value: Map{
			{Key: "/", Quoted: true, Value: Text("./dist"), Above: []string{"server a"}, Beside: "f:1"},
			{Key: "GET /long", Quoted: true, Value: Text("OK a: b")},
			{Key: "/full", Quoted: true, Value: Map{{Key: "to", Value: Text("http://x")}, {Key: "use", Value: Texts(strings.Repeat("x", 60), strings.Repeat("y", 60))}}},
		}},
		{Key: "groups", Open: true, Value: Map{
			{Key: "a", Open: true, Value: Map{{Key: "routes", Value: Shared{"one", Map{{Key: "/", Quoted: true, Value: Text("OK")}}}}}},
			{Key: "b", Open: true, Value: Map{{Key: "routes", Value: Again("one")}}},
		}},
	}
	want := `# top
listen: [":80", ":443 tls"]
static: {spa: off}  # as before
routes:
  # server a
  "/":         ./dist  # f:1
  "GET /long": "OK a: b"
  "/full":
    to: http://x
    use:
      - ` + strings.Repeat("x", 60) + `
      - ` + strings.Repeat("y", 60) + `
groups:
  a:
    routes: &one
      "/": OK
  b:
    routes: *one
`
	if got := Write([]string{"top"}, m); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// FuzzQuote wants every string to be read as itself, alone and in flow collections, once AnyGate has replaced $${.
func FuzzQuote(f *testing.F) {
	for _, s := range []string{"", "a", "on", "404", "1e5", "0x1F", "12:30:45", ":80", "a: b", "a #b", "*", "&x", "'", `"`, `\`, "${A}", "a\nb", "é", "[::1]:80", "1.5", "10.0.0.1:80 weight 3", "- a", "|", "a ", "\u0085", "{", "a, b", "=", "<<"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) > 200 || strings.ToValidUTF8(s, "") != s || strings.ContainsFunc(s, func(r rune) bool { return r == 0 || r >= 0xfffe && r <= 0xffff }) {
			return
		}
		text := Write(nil, Map{{Key: "k", Value: Text(s)}, {Key: "l", Value: Texts(s, "x")}, {Key: s, Quoted: true, Value: Map{{Key: "v", Value: Text(s)}}, Beside: s}})
		var n yaml.Node
		if err := yaml.Unmarshal([]byte(text), &n); err != nil {
			t.Fatalf("%q: %v\n%s", s, err, text)
		}
		m := n.Content[0].Content
		for _, v := range []*yaml.Node{m[1], m[3].Content[0], m[4], m[5].Content[1]} {
			if got := strings.ReplaceAll(v.Value, "$${", "${"); v.Tag != "!!str" || got != strings.ReplaceAll(s, "$${", "${") {
				t.Errorf("%q is read as %s %q\n%s", s, v.Tag, v.Value, text)
			}
		}
	})
}
