package config

import (
	"errors"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/anygate/anygate/route"
)

// resolveTargets finds the pool of every target of a proxy action and compiles its rewriting.
func (l *loader) resolveTargets(d *draft) bool {
	ok := true
	for i, t := range d.Action.Targets {
		n := d.targets[i]
		if t.Scheme != "http" && t.Scheme != "https" && t.Scheme != "h2c" && t.Scheme != "unix" {
			l.unavailableIn(n, t.Off, len(t.Scheme)+len("://"), strconv.Quote(t.Scheme+"://"))
		}
		if t.Scheme == "https" && !l.checkSecurePool(n, t) {
			ok = false
			continue
		}
		if path, rest, found := strings.Cut(t.Host, ":/"); found && t.Scheme == "unix" {
			// Other proxies write unix:SOCKET:URI. A socket whose name has a colon and a slash is less likely than that.
			l.errorIn(n, t.Off, t.Len, Diagnostic{
				Msg:  "a socket's path is not followed by the path of a request, and " + strconv.Quote(":/"+rest) + " looks like one",
				Want: "the absolute path of a socket", Suggest: "unix:" + path,
			})
			ok = false
			continue
		}
		rewrite, err := route.CompileRewrite(d.Head, t)
		if err != nil {
			l.routeError(n, t.Off, err)
			ok = false
			continue
		}
		d.Targets = append(d.Targets, Target{Target: t, Upstream: l.pool(n, t), Rewrite: rewrite})
	}
	if ok && len(d.Targets) > 1 {
		l.checkOwnSettings(d)
	}
	return ok && l.checkProtocols(d)
}

// checkOwnSettings reports a route of several upstreams that names a pool with settings. Together they are one pool,
// in which limits or checks of a part would have no meaning.
func (l *loader) checkOwnSettings(d *draft) {
	for i, t := range d.Targets {
		u := &l.cfg.Upstreams[t.Upstream]
		if !u.Own {
			continue
		}
		off, count := t.Off, t.Len
		l.errorIn(d.targets[i], off, count, Diagnostic{
			Msg: "the route names several upstreams, and " + strconv.Quote(u.Name) + " has settings of its own", Want: "one pool in upstreams that has all the members",
			Related: []Related{l.relatedPos(u.Pos, "the pool")},
		})
		return
	}
}

// pool returns the index of the pool with the target's name, or of one that has its address as the only member.
func (l *loader) pool(n *node, t route.Target) int {
	if t.Scheme != "unix" {
		if i, ok := l.named[t.Host]; ok {
			return i
		}
	}
	scheme, addr := directAddress(t)
	name := scheme + "://" + addr
	pool := l.cfg.Pool
	switch t.Scheme {
	case "unix":
		name = "unix:" + addr
	case "h2c":
		name = "h2c://" + addr
		pool.Protocol = H2C
	}
	if i, ok := l.direct[name]; ok {
		return i
	}
	l.warnOfPool(n, t)
	start, _ := n.part(t.Off, t.Len)
	pos := n.src.pos(start)
	l.direct[name] = len(l.cfg.Upstreams)
	l.cfg.Upstreams = append(l.cfg.Upstreams, Upstream{
		Name: name, Pool: pool, Pos: pos, Members: []Member{{Scheme: scheme, Addr: addr, Weight: 1, Pos: pos}},
	})
	return len(l.cfg.Upstreams) - 1
}

// warnOfPool warns of a server whose name is nearly that of a pool, or is one with a port: probably the pool is meant.
func (l *loader) warnOfPool(n *node, t route.Target) {
	host, _, port := strings.Cut(t.Host, ":")
	if t.Scheme == "unix" || strings.ContainsAny(t.Host, ".[") {
		return
	}
	d := Diagnostic{Want: "the name of an upstream, without a port; or a server's address"}
	if _, ok := l.named[host]; ok {
		d.Msg = strconv.Quote(t.Host) + " is the server of that name, and not the upstream " + strconv.Quote(host)
		d.Suggest = host
	} else if near := route.Suggest(host, slices.Sorted(maps.Keys(l.named))); near != "" && !port {
		d.Msg = strconv.Quote(host) + " is none of the upstreams, and taken for a server of that name"
		d.Suggest = near
	} else {
		return
	}
	l.warnIn(n, t.Off+len(t.Scheme)+len("://"), len(t.Host), d)
}

// checkTarget reports what is wrong with a URI that is only checked.
func (l *loader) checkTarget(n *node, s string) {
	if _, err := route.ParseTarget(s); err != nil {
		l.routeError(n, 0, err)
	}
}

// staticRoot finds the directory or file of a static action. key is dir or file in the full form, where the wrong one
// of the two is an error, and empty in the one-line form.
func (l *loader) staticRoot(d *draft, key string) {
	path := d.Action.Path
	root := filepath.Clean(path)
	if !filepath.IsAbs(path) {
		root = filepath.Join(d.text.src.dir, path)
		if d.text.src.dir != l.opt.BaseDir {
			d.Action.Path = l.relative(root, strings.HasSuffix(path, "/"))
		}
	}
	d.Static.Root = root
	d.Static.File = key == "file"
	if l.opt.Stat == nil {
		return
	}
	fail := func(kind Kind, msg, want, suggest string) {
		off := d.Action.Off
		l.errorIn(d.text, off, len(path), Diagnostic{Kind: kind, Msg: msg, Want: want, Suggest: suggest})
	}
	want := "a directory or file"
	if key == "dir" {
		want = "a directory"
	} else if key == "file" {
		want = "a file"
	}
	if !filepath.IsAbs(path) {
		want += ", relative to the directory of this file"
	}
	info, err := l.opt.Stat(root)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		fail(KindMissing, "there is no "+root, want, "")
	case err != nil:
		fail(KindMissing, "cannot use "+root+": "+cause(err), want, "")
	case info.IsDir() && key == "file":
		fail(KindInvalid, root+" is a directory", want, "dir: "+path)
	case info.Mode().IsRegular() && key == "dir":
		fail(KindInvalid, root+" is a file", want, "file: "+path)
	case info.Mode().IsRegular() && strings.HasSuffix(path, "/"):
		fail(KindInvalid, root+" is a file", want, strings.TrimRight(path, "/"))
	case !info.IsDir() && !info.Mode().IsRegular():
		fail(KindInvalid, root+" is neither a directory nor a regular file", want, "")
	default:
		if d.Static.File = info.Mode().IsRegular(); !d.Static.File {
			l.warnDirectory(d)
		}
	}
}

// relative writes a path of an included file as the main file would.
func (l *loader) relative(root string, slash bool) string {
	path, err := filepath.Rel(l.opt.BaseDir, root)
	switch {
	case err != nil:
		path = root
	case path != ".." && !strings.HasPrefix(path, "../"):
		path = "./" + path
	}
	if slash {
		path += "/"
	}
	return path
}
