package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Static holds the settings of a static action.
type Static struct {
	// Root is the path in the file system, cleaned, with relative ones joined to the directory of the file that
	// holds the route.
	Root string
	// File says that Root is a regular file, served for every path of the route. Index, SPA, Listing and Symlinks
	// have no meaning for it, and are empty.
	File bool
	// Index are the names tried in a directory, in order.
	Index []string
	// SPA is "auto" (on when the root holds an index file and no 404.html), "on" or "off".
	SPA string
	// Listing lists directories without an index.
	Listing bool
	// Symlinks is "inside" (those that stay below Root are followed) or "never".
	Symlinks string
	// CacheControl is "auto" (derived from the names of files) or "off".
	CacheControl string
	// EarlyHints announces the assets of a page with a 103.
	EarlyHints bool
	// Compress is "on", "precompressed" (only the coded forms that lie beside a file are sent) or "off".
	Compress string
}

func defaultStatic() Static {
	return Static{Index: []string{"index.html"}, SPA: "auto", Symlinks: "inside", CacheControl: "auto", Compress: "on"}
}

func (l *loader) readStatic(_, value *node) { l.staticDefaults(value, "static", &l.defaults) }

// staticDefaults reads the section `static` of the file or of a group.
func (l *loader) staticDefaults(value *node, where string, d *routeDefaults) {
	l.fields(value, where, l.staticFields(&d.static)...)
}

// staticFields read the settings of static actions, in the sections and in the full form of a route.
func (l *loader) staticFields(s *Static) []field {
	return []field{
		{"index", func(_, v *node) { l.readIndex(v, &s.Index) }},
		{"spa", func(_, v *node) { l.readChoice(v, &s.SPA, "auto", "on", "off") }},
		{"listing", func(_, v *node) { l.readSwitch(v, &s.Listing) }},
		{"symlinks", func(_, v *node) { l.readChoice(v, &s.Symlinks, "inside", "never") }},
		{"cache-control", func(_, v *node) { l.readChoice(v, &s.CacheControl, "auto", "off") }},
		{"early-hints", func(_, v *node) { l.readSwitch(v, &s.EarlyHints) }},
		{"compress", func(_, v *node) { l.readChoice(v, &s.Compress, "on", "precompressed", "off") }},
	}
}

// fileSettings are the settings that a single file has, too.
var fileSettings = []string{"cache-control", "early-hints", "compress"}

// ofFile leaves what has a meaning for a single file.
func (s *Static) ofFile() {
	s.Index, s.SPA, s.Listing, s.Symlinks = nil, "", false, ""
}

// full writes the settings as lines of a route in its full form.
func (s *Static) full(b *strings.Builder) {
	if !s.File {
		fmt.Fprintf(b, "  index: %s\n  spa: %s\n", flowList(s.Index), quoteYAML(s.SPA))
		fmt.Fprintf(b, "  listing: %s\n  symlinks: %s\n", quoteYAML(onOff(s.Listing)), quoteYAML(s.Symlinks))
	}
	fmt.Fprintf(b, "  cache-control: %s\n  early-hints: %s\n", quoteYAML(s.CacheControl), quoteYAML(onOff(s.EarlyHints)))
	fmt.Fprintf(b, "  compress: %s\n", quoteYAML(s.Compress))
}

// readIndex reads the names that are tried in a directory. They are names, not paths, so that an index can never lead
// out of its directory.
func (l *loader) readIndex(value *node, into *[]string) {
	var indices []string
	for _, item := range l.items(value) {
		s, ok := l.text(item, "the name of a file such as index.html")
		if !ok {
			continue
		}
		if strings.ContainsAny(s, "/\x00") || s == "." || s == ".." || len(s) > 255 {
			l.errorAt(item, Diagnostic{Msg: strconv.Quote(s) + " is not the name of a file in a directory", Want: "a name without slashes such as index.html"})
			continue
		}
		if !slices.Contains(indices, s) {
			indices = append(indices, s)
		}
		if len(indices) > maxIndex {
			l.errorAt(item, Diagnostic{Msg: "more than " + strconv.Itoa(maxIndex) + " index files", Want: "fewer names"})
			return
		}
	}
	if len(indices) > 0 {
		*into = indices
	} else if value.shape == list && len(value.items) == 0 {
		l.errorAt(value, Diagnostic{Msg: "the list is empty", Want: "the name of a file such as index.html"})
	}
}

// readChoice reads one of a few words. Where "on" or "off" is among them, YAML's booleans are understood too.
func (l *loader) readChoice(value *node, into *string, words ...string) {
	known := slices.Clone(words)
	if slices.Contains(words, "on") {
		known = append(known, "true")
	}
	if slices.Contains(words, "off") {
		known = append(known, "false")
	}
	word := ""
	if !l.enum(value, "value", &word, known...) {
		return
	}
	switch word {
	case "true":
		word = "on"
	case "false":
		word = "off"
	}
	*into = word
}
