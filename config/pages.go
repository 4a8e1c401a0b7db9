package config

import (
	"errors"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/anygate/anygate/policy/quantity"
	"github.com/anygate/anygate/route"
)

const (
	wantPageKey = "a status from 400 to 599, 4xx, 5xx or intercept"
	wantPage    = "a file whose path starts with /, ./ or ../, a text, or JSON"
)

func (l *loader) readFileErrors(_, value *node) { l.readErrors(value, &l.errors) }

// readErrors reads the pages of one level. A status that is there already, because another file of the configuration
// has it, is replaced.
func (l *loader) readErrors(value *node, into *Errors) {
	if value.refers("errors") {
		return
	}
	if value.lost() {
		return
	}
	if value.shape != mapping {
		l.errorAt(value, Diagnostic{Msg: "errors is " + value.describe(), Want: "a mapping of statuses to pages"})
		return
	}
	for _, e := range value.entries {
		if e.key.text == "intercept" {
			on := false
			l.readSwitch(e.value, &on)
			into.Intercept = &on
			continue
		}
		page := ErrorPage{Pos: e.value.pos()}
		switch status, err := quantity.Int(e.key.text, 400, 599); {
		case e.key.text == "4xx":
			page.Status = 4
		case e.key.text == "5xx":
			page.Status = 5
		case err != nil:
			d := Diagnostic{Msg: strconv.Quote(e.key.text) + " is not the status of an error", Want: wantPageKey}
			if d.Suggest = route.Suggest(e.key.text, []string{"intercept", "4xx", "5xx"}); d.Suggest == e.key.text {
				d.Suggest = ""
			}
			l.errorAt(e.key, d)
			continue
		default:
			page.Status = status
		}
		if l.page(e.value, &page) {
			into.set(page)
		}
	}
}

// page reads the content of an error page: the path of a file, or the BODY of a fixed action.
func (l *loader) page(v *node, p *ErrorPage) bool {
	s, ok := l.text(v, wantPage)
	if !ok {
		return false
	}
	if strings.HasPrefix(s, "/") || strings.HasPrefix(s, "./") || strings.HasPrefix(s, "../") {
		return l.pageFile(v, s, p)
	}
	// What may stand behind a status in a fixed action may stand here.
	const status = "500 "
	a, err := route.ParseFixed(status + s)
	switch {
	case err != nil:
		l.routeError(v, -len(status), err)
		return false
	case len(a.Body) > MaxPageBytes:
		l.errorAt(v, Diagnostic{Msg: "the page is larger than " + quantity.FormatSize(MaxPageBytes), Want: "less content"})
		return false
	}
	if looksLikePage(s) {
		l.warn(v, Diagnostic{Msg: strconv.Quote(s) + " is taken as the text of the page, and looks like the name of a file", Want: wantPage, Suggest: "./" + s})
	}
	p.Body, p.JSON = a.Body, a.JSON
	return true
}

// looksLikePage reports whether a text is probably the path of a file, without the dot and slash that it needs.
func looksLikePage(s string) bool {
	switch path.Ext(s) {
	case ".html", ".htm", ".json", ".txt", ".xml":
		return !strings.ContainsAny(s, " \t\n{[<")
	}
	return false
}

// pageFile finds the file of an error page. It is read when the configuration is compiled.
func (l *loader) pageFile(v *node, s string, p *ErrorPage) bool {
	p.File, p.Path = filepath.Clean(s), s
	want := "a file"
	if !filepath.IsAbs(s) {
		p.File = filepath.Join(v.src.dir, s)
		want += ", relative to the directory of this file"
		if v.src.dir != l.opt.BaseDir {
			p.Path = l.relative(p.File, false)
		}
	}
	if l.opt.Stat == nil {
		return true
	}
	fail := func(kind Kind, msg, want string) bool {
		l.errorAt(v, Diagnostic{Kind: kind, Msg: msg, Want: want})
		return false
	}
	info, err := l.opt.Stat(p.File)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fail(KindMissing, "there is no "+p.File, want)
	case err != nil:
		return fail(KindMissing, "cannot use "+p.File+": "+cause(err), want)
	case !info.Mode().IsRegular():
		return fail(KindInvalid, p.File+" is not a regular file", want)
	case info.Size() > MaxPageBytes:
		return fail(KindInvalid, p.File+" is too large for a page", want+" of at most "+quantity.FormatSize(MaxPageBytes))
	}
	return true
}

// set adds a page in the order of statuses, or replaces the one of the same status.
func (e *Errors) set(p ErrorPage) {
	i, found := slices.BinarySearchFunc(e.Pages, p.Status, func(q ErrorPage, status int) int { return q.Status - status })
	if found {
		e.Pages[i] = p
		return
	}
	e.Pages = slices.Insert(e.Pages, i, p)
}

// over returns the pages of a level and, where it has none, those of the less specific one: a class of the level also
// stands for each of its statuses that the other one names.
func (e Errors) over(less Errors) Errors {
	out := Errors{Intercept: e.Intercept}
	if out.Intercept == nil {
		out.Intercept = less.Intercept
	}
	for _, p := range less.Pages {
		if _, ok := e.Page(p.Status); !ok {
			out.set(p)
		}
	}
	for _, p := range e.Pages {
		out.set(p)
	}
	return out
}

// Page returns the page for a status: its own, or that of its class.
func (e *Errors) Page(status int) (ErrorPage, bool) {
	class, found := 0, false
	for i, p := range e.Pages {
		switch p.Status {
		case status:
			return p, true
		case status / 100:
			class, found = i, true
		}
	}
	if !found {
		return ErrorPage{}, false
	}
	return e.Pages[class], true
}

// Intercepts says that what upstreams answer is replaced too.
func (e *Errors) Intercepts() bool { return e.Intercept != nil && *e.Intercept }

// Key is the status as the configuration has it: 404, or 4xx for a class.
func (p *ErrorPage) Key() string {
	if p.Status < 10 {
		return strconv.Itoa(p.Status) + "xx"
	}
	return strconv.Itoa(p.Status)
}

// Text is the page as the configuration has it.
func (p *ErrorPage) Text() string {
	if p.Path != "" {
		return p.Path
	}
	return p.Body
}
