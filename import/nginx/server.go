package nginx

import (
	"regexp"
	"slices"
	"strings"

	"github.com/anygate/anygate/import/pattern"
)

// server is a server block.
type server struct {
	n       *node
	listens []listen
	names   []string // AnyGate's: exact ones and *.NAME, in lower case
	// guessed are those of them that an expression stands for.
	guessed []string
}

var hostName = regexp.MustCompile(`^(\*\.)?[a-z0-9]([a-z0-9_-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9_-]*[a-z0-9])?)*$`)

// anyLabel is an expression about all names below another one: ^(.+)\.example\.com$.
var anyLabel = regexp.MustCompile(`^\^\(?(?:\?P?<\w+>)?(?:\.\+|\.\*|\[\^\.\]\+|\\w\+|\[[a-z0-9_-]+\]\+)\)?\\\.((?:[a-z0-9-]+\\\.)+[a-z0-9-]+)\$$`)

// holds reports whether a name is one of the server's, by a wildcard too.
func (s *server) holds(name string) bool {
	return slices.ContainsFunc(s.names, func(n string) bool {
		rest, wide := strings.CutPrefix(n, "*")
		return n == name || wide && strings.HasSuffix(name, rest)
	})
}

// outspoken takes names that an expression stands for from servers where another one has the name itself, or a wildcard for it:
// nginx looks at expressions last.
func (c *converter) outspoken(servers []*server) {
	for _, s := range servers {
		for _, other := range servers {
			if other == s || !slices.ContainsFunc(s.listens, func(l listen) bool {
				return slices.ContainsFunc(other.listens, func(o listen) bool { return o.addr == l.addr })
			}) {
				continue
			}
			for _, name := range other.names {
				if slices.Contains(other.guessed, name) {
					continue
				}
				rest, wide := strings.CutPrefix(name, "*")
				s.names = slices.DeleteFunc(s.names, func(n string) bool {
					if !slices.Contains(s.guessed, n) || n != name && !(wide && strings.HasSuffix(n, rest)) {
						return false
					}
					c.differs(s.n.ownOne("server_name"), "The server at "+other.n.place()+" answers "+n+": nginx asks for "+name+" before it looks at expressions.", "Nothing has to be done.")
					return true
				})
			}
		}
	}
}

// readServer reads the addresses and names of a server.
func (c *converter) readServer(n *node) *server {
	s := &server{n: n, listens: c.listens(n)}
	n.seen = true
	add := func(name string) {
		if name = strings.TrimSuffix(strings.ToLower(name), "."); !slices.Contains(s.names, name) {
			s.names = append(s.names, name)
		}
	}
	for _, d := range n.own("server_name") {
		for _, name := range d.args {
			switch lower := strings.ToLower(name); {
			case name == "" || strings.Trim(name, "_-.!@#") == "":
				// A name that nobody asks for.
			case strings.HasPrefix(name, "~"):
				list, ok := pattern.Literals(name[1:], func(s string) bool { return hostName.MatchString(strings.ToLower(s)) })
				if m := anyLabel.FindStringSubmatch(name[1:]); m != nil {
					if !strings.Contains(name, ".+") && !strings.Contains(name, ".*") {
						c.differs(d, "*.NAME stands for any number of labels.", "")
					}
					list, ok = []string{"*." + strings.ReplaceAll(m[1], `\.`, ".")}, true
				}
				if !ok {
					c.lost(d, "The name "+name+" is a regular expression, and hosts are names or *.NAME.", "List the names that are meant.")
				}
				for _, l := range list {
					if l = strings.ToLower(l); !slices.Contains(s.names, l) {
						s.guessed = append(s.guessed, l)
					}
					add(l)
				}
			case strings.HasPrefix(name, "."):
				add(name[1:])
				add("*" + name)
			case hostName.MatchString(lower) && len(lower) <= 253:
				add(name)
			default:
				c.lost(d, "The name "+name+" has no counterpart: hosts are names or *.NAME.", "List the names that are meant.")
			}
		}
	}
	return s
}
