package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/anygate/anygate/route"
)

// Options are Parse's ways to the world.
type Options struct {
	// LookupEnv finds environment variables. Nil means that none is set.
	LookupEnv func(name string) (string, bool)
	// BaseDir is the directory that relative paths of the main file start from.
	BaseDir string
	// ReadFile reads an included file, and later the files that the configuration names. Nil means that there is none to
	// read.
	ReadFile func(path string) ([]byte, error)
	// Glob lists the files that an include's pattern matches. Nil means that patterns match nothing.
	Glob func(pattern string) ([]string, error)
	// Stat looks at the directories and files that routes serve. Nil means that they are not looked at, and that
	// everything but a `file` of the full form is taken for a directory.
	Stat func(path string) (fs.FileInfo, error)
	// Now is the time at which certificates are judged. The zero time means that their dates are not looked at.
	Now time.Time
}

// system reaches the operating system.
func system(baseDir string) Options {
	return Options{LookupEnv: os.LookupEnv, BaseDir: baseDir, ReadFile: readFile, Glob: filepath.Glob, Stat: os.Stat}
}

// readFile reads a regular file of bounded size; a pipe or device would block or never end.
func readFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, &fs.PathError{Op: "read", Path: path, Err: errors.New("is a directory")}
	case !info.Mode().IsRegular():
		return nil, &fs.PathError{Op: "read", Path: path, Err: errors.New("is not a regular file, and nothing else is read")}
	case info.Size() > maxFileBytes:
		return nil, &fs.PathError{Op: "read", Path: path, Err: errors.New("is larger than 16MiB")}
	}
	return os.ReadFile(path)
}

// Load reads and compiles a configuration file and the files it includes. The Config may be served only when there are
// no diagnostics; otherwise it holds what could be understood, and is nil when the file could not be read at all.
func Load(path string) (*Config, Diagnostics) { return LoadAt(path, time.Time{}) }

// LoadAt is Load at a point in time, which the dates of certificates are compared with.
func LoadAt(path string, now time.Time) (*Config, Diagnostics) {
	return LoadBy(path, System(path, now))
}

// System is what LoadAt reads a configuration by, for who reads it by LoadBy in some other way.
func System(path string, now time.Time) Options {
	opt := system(filepath.Dir(path))
	opt.Now = now
	return opt
}

// LoadBy is Load with the ways to the world of opt, by which the main file is read as well.
func LoadBy(path string, opt Options) (*Config, Diagnostics) {
	text, err := opt.ReadFile(path)
	if err != nil {
		return nil, Diagnostics{{Kind: KindMissing, File: path, Msg: "cannot read the configuration: " + cause(err)}}
	}
	return Parse(path, text, opt)
}

// cause returns what went wrong with a file without its name, which the diagnostic shows already.
func cause(err error) string {
	var pathError *fs.PathError
	if errors.As(err, &pathError) {
		return pathError.Err.Error()
	}
	return err.Error()
}

// Parse compiles a configuration file's text. name is how diagnostics call it. Parse has no effects besides calling
// the functions of opt.
func Parse(name string, text []byte, opt Options) (*Config, Diagnostics) {
	l := newLoader(opt)
	if len(text) > maxFileBytes {
		return nil, Diagnostics{{Kind: KindSyntax, File: name, Msg: "the configuration is larger than 16MiB"}}
	}
	c := &Config{Path: name, BaseDir: opt.BaseDir, readFile: opt.ReadFile}
	l.readAll(newSource(name, opt.BaseDir, text), name)
	l.decode(c)
	c.Warnings = l.arranged(l.warnings)
	return c, l.finish()
}

// ForDirectory returns the configuration of `anygate serve DIR`: the directory's files at every path. listen is an
// address as in `listen`; empty means the default.
func ForDirectory(dir, listen string) (*Config, Diagnostics) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, Diagnostics{{Kind: KindMissing, Msg: "cannot find the directory " + dir + ": " + cause(err)}}
	}
	return simple("dir", abs, dir, listen)
}

// ForUpstream returns the configuration of `anygate serve URL`: every request goes to that upstream. listen is an
// address as in `listen`; empty means the default.
func ForUpstream(url, listen string) (*Config, Diagnostics) {
	return simple("to", url, url, listen)
}

// simple compiles a configuration of one route. Its diagnostics are about what the user typed, so they show no file:
// the text below exists in this function only.
func simple(key, value, typed, listen string) (*Config, Diagnostics) {
	text := "routes:\n  \"/\":\n    " + key + ": " + quoteYAML(value) + "\n"
	if listen != "" {
		text = "listen: " + quoteYAML(listen) + "\n" + text
	}
	opt := system("")
	opt.LookupEnv = nil
	c, ds := Parse("", []byte(text), opt)
	for i := range ds {
		d := &ds[i]
		subject := typed
		if strings.HasPrefix(d.Source, "listen:") {
			subject = listen
		}
		*d = Diagnostic{Kind: d.Kind, Msg: subject + ": " + d.Msg, Want: d.Want, Suggest: d.Suggest}
	}
	if c != nil {
		c.Path, c.Files = "", nil
		for i := range c.Routes {
			c.Routes[i].Pos = Pos{}
		}
		for i := range c.Listen {
			c.Listen[i].Pos = Pos{}
		}
		for i := range c.Upstreams {
			c.Upstreams[i].Pos = Pos{}
			for j := range c.Upstreams[i].Members {
				c.Upstreams[i].Members[j].Pos = Pos{}
			}
		}
	}
	return c, ds
}

// loader is the state of one load.
type loader struct {
	opt         Options
	diagnostics []Diagnostic
	warnings    []Diagnostic
	// dropped counts the errors behind the last one that is reported.
	dropped int
	// files are the main file and the included ones, in the order of their includes.
	files []*file
	// overflow says that a bound was hit and reported.
	overflow bool
	// broken says that some lines of some file could not be read, so that nothing must be concluded from what is absent.
	broken bool

	cfg *Config
	// named and direct find pools by name and by URI.
	named  map[string]int
	direct map[string]int
	// defaults are what routes have from `proxy` and `static`, use what they have from `use`, errors what they have from
	// `errors`.
	defaults routeDefaults
	use      []setting
	errors   Errors
	// groups are the names of groups.
	groups map[string]*node
	// builder finds routes that match the same requests; routeKeys are the heads of the routes in cfg.
	builder   route.Builder
	routeKeys []*node
	// headLimit is a value of server.limits that bounds request heads.
	headLimit *node
	// tls is where the parts of the section stand, and mtls the policies that want certificates of clients.
	tls  tlsDraft
	mtls []setting
	// lentTLS says that there are certificates in a configuration that the one being read is for.
	lentTLS bool
	// h2Off is the value of server.h2 that counts.
	h2Off *node
	// objects are the mappings that were recorded for the schema, by the names of their definitions; see Schema.
	objects map[string]*probedMapping
	// admin is where the parts of the section stand.
	admin adminDraft
	// environment are the values of variables that were referred to.
	environment []string
}

func newLoader(opt Options) *loader {
	if opt.LookupEnv == nil {
		opt.LookupEnv = func(string) (string, bool) { return "", false }
	}
	return &loader{opt: opt, named: make(map[string]int), direct: make(map[string]int), groups: make(map[string]*node)}
}

// file is one file of the configuration.
type file struct {
	src  *source
	root *node
	// children are the files it includes.
	children []*file
}
