package config

import "slices"

// section is one top-level key. Sections whose values are lists or mappings of names are merged over all files in the
// order of includes; settings are applied so that a file overrides what it includes.
type section struct {
	key      string
	settings bool
	read     func(l *loader, key, value *node)
}

// sections are in the order in which they are read: what routes refer to comes before them.
func sections() []section {
	return []section{
		{key: "include", read: func(*loader, *node, *node) {}},
		{key: "server", settings: true, read: (*loader).readServer},
		{key: "log", settings: true, read: (*loader).readLog},
		{key: "proxy", settings: true, read: (*loader).readProxy},
		{key: "static", settings: true, read: (*loader).readStatic},
		{key: "errors", settings: true, read: (*loader).readFileErrors},
		{key: "tls", settings: true, read: (*loader).readTLS},
		{key: "listen", read: (*loader).readListen},
		{key: "upstreams", read: (*loader).readUpstreams},
		{key: "use", read: (*loader).readUse},
		{key: "routes", read: (*loader).readRoutes},
		{key: "groups", read: (*loader).readGroups},
		{key: "admin", settings: true, read: (*loader).readAdmin},
		{key: "trace", settings: true, read: (*loader).readTrace},
	}
}

// sectionNames are the top-level keys in the order of the documentation.
var sectionNames = []string{
	"listen", "upstreams", "routes", "groups", "use", "proxy", "static", "errors", "server", "log", "include", "tls", "admin", "trace",
}

// decode compiles all files into c.
func (l *loader) decode(c *Config) {
	l.cfg = c
	c.Server, c.Log = defaultServer(), defaultLog()
	l.defaults, c.Pool = defaultRoute(), defaultPool()
	list := sections()
	for _, f := range l.files {
		c.Files = append(c.Files, f.src.name)
		if f.root == nil {
			continue
		}
		for _, e := range f.root.entries {
			if !slices.Contains(sectionNames, e.key.text) {
				l.unknownKey(e.key, "the file", sectionNames)
			}
		}
	}
	settings := l.files[0].settingsOrder(nil)
	for _, s := range list {
		files := l.files
		if s.settings {
			files = settings
		}
		for _, f := range files {
			l.readSection(s, f)
		}
	}
	c.Errors = l.errors
	l.finishServer()
	l.finishListen()
	l.finishAdmin()
	c.environment = l.environment
	l.finishTLS()
	l.finishRoutes()
}

func (l *loader) readSection(s section, f *file) {
	if f.root == nil {
		return
	}
	for _, e := range f.root.entries {
		if e.key.text == s.key && !e.value.lost() {
			s.read(l, e.key, e.value)
		}
	}
}
