package layout

import "github.com/anygate/anygate/import/document"

// Kind is what a route does.
type Kind uint8

// The kinds of routes.
const (
	Proxy Kind = iota
	Static
	File
	Answer
	Redirect
)

// keys are what the actions are called in the full form.
var keys = map[Kind]string{Proxy: "to", Static: "dir", File: "file", Answer: "answer", Redirect: "redirect"}

// Route is a route in the making.
type Route struct {
	Methods []string
	Path    string
	Kind    Kind
	Text    string // the action
	Place   string // where it comes from
	Beside  string // what is told of it before that
	Above   []string

	Settings document.Map
	Errors   document.Map
	Use      []string

	// Neutral routes were added: they have no policies of their own, and take those around them.
	Neutral bool
	// Implied routes say what would be so without them, unless other hosts have routes.
	Implied bool
}

// Site is a list of routes for some hosts.
type Site struct {
	Names    []string
	Hostless bool   // for all hosts that have no routes of their own
	Title    string // the comment above
	Above    []string
	Routes   []*Route
	// Redirect stands for all routes; Place is where it comes from.
	Redirect string
	Place    string
}
