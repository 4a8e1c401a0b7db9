package nginx

import (
	"slices"
	"strings"

	"github.com/anygate/anygate/import/pattern"
	serving "github.com/anygate/anygate/route"
)

// maxWitnesses bounds the paths that one server is tried with.
const maxWitnesses = 4000

// witness tries the routes of a server with paths of all kinds, when everything else is done: what nginx keeps clients from must
// not be open here without a word. The rules before it know why a path would be answered by another route than the one of its
// location; this one only looks what comes of them, and so holds for what they have not thought of.
func (b *builder) witness() {
	w := &witness{builder: b, find: newFinder(b.locs), seen: map[string]bool{}, settled: map[[2]*node]bool{}}
	for _, l := range b.locs {
		if l.kind != namedLocation && (b.withholds(l.n) || len(kept(l.n)) > 0) && len(b.lostOf[l.n]) == 0 {
			w.suspects = append(w.suspects, l)
		}
	}
	if len(kept(b.server.n)) > 0 && len(b.lostOf[b.server.n]) == 0 {
		w.suspects = append(w.suspects, nil)
	}
	if len(w.suspects) == 0 {
		return
	}
	var table serving.Builder
	for i, r := range b.routes {
		head, err := serving.ParseHead(strings.Join(append(slices.Clone(r.methods), r.path), " "))
		if err == nil {
			table.Add(head, uint32(i))
		}
	}
	w.table = table.Build()
	w.paths()
}

// witness is what one server is tried with.
type witness struct {
	*builder
	find     *finder
	table    *serving.Table
	suspects []*location // those that keep something back, nil for the server itself
	seen     map[string]bool
	// settled are pairs of blocks, the one of nginx and the one that answers here, of which nothing more is to be told.
	settled map[[2]*node]bool
}

// paths tries those that locations, expressions and routes are about, and then what lies below each suspect.
func (w *witness) paths() {
	starts := map[*location][]string{}
	var words []string
	word := func(path string) {
		path = strings.TrimRight(path, "/*")
		last := path[strings.LastIndexByte(path, '/')+1:]
		if last != "" && last[0] != ':' && !slices.Contains(words, last) {
			words = append(words, last)
		}
	}
	w.around("/")
	ordered := slices.Clone(w.locs)
	slices.SortStableFunc(ordered, func(a, b *location) int {
		switch x, y := slices.Contains(w.suspects, a), slices.Contains(w.suspects, b); {
		case x == y:
			return 0
		case x:
			return -1
		}
		return 1
	})
	for _, l := range ordered {
		switch l.kind {
		case namedLocation:
			continue
		case regexLocation:
			starts[l] = pattern.Samples(l.text)
		default:
			starts[l] = []string{l.text}
		}
		for _, s := range starts[l] {
			word(s)
			w.around(s)
			if l.fold {
				w.around(strings.ToUpper(s))
			}
		}
	}
	for _, r := range w.routes {
		word(r.path)
	}
	for _, r := range w.routes {
		for _, with := range append([]string{"x"}, words[:min(len(words), 16)]...) {
			segments := strings.Split(strings.TrimSuffix(r.path, "*"), "/")
			open := false
			for i, s := range segments {
				if strings.HasPrefix(s, ":") {
					segments[i], open = with, true
				}
			}
			w.around(strings.Join(segments, "/"))
			if !open {
				break
			}
		}
	}
	for _, last := range words {
		if len(w.seen) >= maxWitnesses {
			break
		}
		for _, l := range w.suspects {
			if l == nil {
				w.around("/" + last)
				continue
			}
			for _, s := range starts[l] {
				w.around(strings.TrimSuffix(s, "/") + "/" + last)
			}
		}
	}
}

// around tries a path, and those next to it.
func (w *witness) around(path string) {
	bare := strings.TrimSuffix(path, "/")
	for _, p := range []string{path, bare, bare + "/", bare + "/x", bare + "/x/", path + "x"} {
		w.try(p)
	}
}

// try compares what becomes of a path in nginx with what does here.
func (w *witness) try(path string) {
	if w.seen[path] || len(w.seen) >= maxWitnesses {
		return
	}
	w.seen[path] = true
	if norm, ok := serving.Normalise(nil, []byte(path)); !ok || string(norm) != path || strings.Contains(path, "//") || strings.Contains(path, "%") {
		return // Other spellings are looked at by themselves.
	}
	var l *location
	found := false
	for _, method := range []string{"GET", "POST"} {
		var m serving.Match
		if w.table.Match([]byte(method), nil, []byte(path), &m) != serving.Found {
			continue
		}
		r := w.routes[m.Value]
		o := r.block()
		if r.refuses() || o == nil {
			continue
		}
		if !found {
			final := false
			if l, final = w.find.find(nil, path); l == nil && final || !slices.Contains(w.suspects, l) {
				return
			}
			found = true
		}
		n := w.server.n
		if l != nil {
			n = l.n
		}
		pair := [2]*node{n, o}
		if o == n || w.settled[pair] {
			continue
		}
		// What rewrites do depends on the path, and so does what may answer /x instead of /x/. Files that begin with a dot are never
		// served.
		open, always := w.opens(r, o, n, path)
		if w.settled[pair] = always; !open || w.says(o, n) || r.kind == staticRoute && strings.Contains(strings.ReplaceAll(path, "/.well-known", ""), "/.") {
			continue
		}
		w.settled[pair] = true
		w.lost(n, "A request for "+path+", which nginx answers by what is here, gets the route "+r.path+" of "+o.place()+", and that does not keep back what this does.",
			"Write a route for such paths that does what this one does, or take the other one out.")
	}
}

// says reports whether the report says of a block that it answers what another one would.
func (w *witness) says(o, n *node) bool {
	return slices.ContainsFunc(w.lostOf[o], func(why string) bool {
		return strings.Contains(why, "at "+n.place()+" ") || strings.Contains(why, "at "+n.place()+",")
	})
}

// block is the location that a route does what is said in, or the server; nil if a directive of the server itself has made it.
func (r *route) block() *node {
	for at := r.from; at != nil; at = at.parent {
		if at.name == "location" || at.name == "server" && at == r.from {
			return at
		}
	}
	return nil
}

// refuses reports whether a route serves nothing by itself: it answers with an error, or leads elsewhere.
func (r *route) refuses() bool {
	if r.kind == redirectRoute {
		return true
	}
	name, _, _ := strings.Cut(r.text, " ")
	code, ok := serving.StatusByName(name)
	return r.kind == answerRoute && (ok && code >= 400 || refusal(name))
}
