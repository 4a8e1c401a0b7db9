package config

import (
	"reflect"
	"slices"
	"testing"
	"unicode/utf8"

	"github.com/anygate/anygate/policy"
)

// checkRoundTrip asserts that the printed form of c parses to c again, apart from where things stand.
func checkRoundTrip(t *testing.T, c *Config, printed string) {
	t.Helper()
	opt := world()
	opt.LookupEnv = nil
	again, ds := Parse("anygate.yml", []byte(printed), opt)
	if len(ds) > 0 {
		t.Fatalf("the printed form does not parse:\n%s\n%s", ds, printed)
	}
	a, b := unplaced(c), unplaced(again)
	if !reflect.DeepEqual(a, b) {
		t.Errorf("the printed form is another configuration:\n%+v\nnot\n%+v\nprinted:\n%s", b, a, printed)
	}
	if second := print(t, again); second != printed {
		t.Errorf("printing twice gives\n%s\nnot\n%s", second, printed)
	}
}

// unplaced returns a copy of c without positions, names of files and groups, and compiled parts.
func unplaced(c *Config) Config {
	out := *c
	out.Path, out.Files, out.Table, out.readFile = "", nil, nil, nil
	out.Listen = append([]Listener(nil), c.Listen...)
	for i := range out.Listen {
		out.Listen[i].Pos = Pos{}
	}
	out.TLS, out.Warnings = unplacedTLS(c.TLS), nil
	if c.Trace != nil {
		own := *c.Trace
		own.Pos = Pos{}
		out.Trace = &own
	}
	out.Server.User.Pos = Pos{}
	out.Server.Landlock.Read, out.Server.Landlock.Write = unplacedFiles(c.Server.Landlock.Read), unplacedFiles(c.Server.Landlock.Write)
	out.Errors = unplacedErrors(c.Errors)
	out.Upstreams = nil
	for _, u := range c.Upstreams {
		u.Pos = Pos{}
		u.Members = append([]Member(nil), u.Members...)
		for i := range u.Members {
			u.Members[i].Pos = Pos{}
		}
		if t := u.TLS; t != nil {
			own := *t
			for _, f := range []**File{&own.CA, &own.Cert, &own.Key} {
				if *f != nil {
					*f = &File{Name: (*f).Name, Path: (*f).Path}
				}
			}
			u.TLS = &own
		}
		out.Upstreams = append(out.Upstreams, u)
	}
	out.environment = nil // what is printed has no references
	if c.Admin != nil {
		own := *c.Admin
		own.Pos, own.Listen = Pos{}, slices.Clone(own.Listen)
		for i := range own.Listen {
			own.Listen[i].Pos = Pos{}
		}
		out.Admin = &own
	}
	out.Routes = nil
	for _, r := range c.Routes {
		r.Pos, r.Group = Pos{}, ""
		r.Action.Off, r.Action.Len = 0, 0
		r.Action.Targets = nil
		r.Targets = append([]Target(nil), r.Targets...)
		for i := range r.Targets {
			r.Targets[i].Off, r.Targets[i].Len = 0, 0
		}
		r.Errors = unplacedErrors(r.Errors)
		r.Policies = append([]policy.Policy(nil), r.Policies...)
		out.Routes = append(out.Routes, r)
	}
	return out
}

func unplacedTLS(t *TLS) *TLS {
	if t == nil {
		return nil
	}
	out := *t
	out.Pos = Pos{}
	out.Certificates = append([]Certificate(nil), t.Certificates...)
	for i := range out.Certificates {
		out.Certificates[i].Cert.Pos, out.Certificates[i].Key.Pos = Pos{}, Pos{}
	}
	out.Clients = append([]Clients(nil), t.Clients...)
	for i := range out.Clients {
		out.Clients[i].Pos, out.Clients[i].CA.Pos = Pos{}, Pos{}
	}
	unplace := func(f **File) {
		if *f != nil {
			copied := **f
			copied.Pos = Pos{}
			*f = &copied
		}
	}
	unplace(&out.Tickets.File)
	unplace(&out.OCSP.Cache)
	if t.ECH != nil {
		e := *t.ECH
		e.Pos, e.Keys.Pos = Pos{}, Pos{}
		out.ECH = &e
	}
	return &out
}

func unplacedFiles(files []File) []File {
	files = append([]File(nil), files...)
	for i := range files {
		files[i].Pos = Pos{}
	}
	return files
}

func unplacedErrors(e Errors) Errors {
	e.Pages = append([]ErrorPage(nil), e.Pages...)
	for i := range e.Pages {
		e.Pages[i].Pos = Pos{}
	}
	return e
}

// checkPlaces asserts that diagnostics about the file point into its text.
func checkPlaces(t *testing.T, ds Diagnostics, name string, text []byte) {
	t.Helper()
	src := newSource(name, "", text)
	for _, d := range ds {
		if d.Msg == "" || d.Kind == "" {
			t.Errorf("empty diagnostic %+v", d)
		}
		if d.Line == 0 && d.Col == 0 || d.File != name {
			continue
		}
		if d.Line < 1 || d.Line > len(src.lines) {
			t.Fatalf("line %d of %d: %s", d.Line, len(src.lines), d)
		}
		line := src.line(d.Line - 1)
		if d.Source != line {
			t.Errorf("the line is %q, not %q", line, d.Source)
		}
		n := utf8.RuneCountInString(line)
		if d.Col < 1 || d.Col > n+1 || d.Len < 1 || d.Col-1+d.Len > max(n, d.Col) {
			t.Errorf("columns %d+%d of %d: %s", d.Col, d.Len, n, d)
		}
	}
}
