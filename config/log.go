package config

import (
	"errors"
	"io/fs"
	"net/netip"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/anygate/anygate/http1"
	"github.com/anygate/anygate/route"
	"github.com/anygate/anygate/telemetry"
)

// defaultSlow is from when on an exchange is slow.
const defaultSlow = time.Second

func defaultLog() Log {
	return Log{Access: AccessLog{To: "off", Format: "text"}, Level: "info", To: "stderr", Slow: defaultSlow}
}

const (
	wantDestination = "stdout, stderr, the path of a file, syslog, syslog:PATH, syslog://HOST:PORT or syslog+tcp://HOST:PORT"
	wantAccess      = "off, " + wantDestination + ", and json, combined or text behind it"
)

// readLog reads the section; a bare value is that of access.
func (l *loader) readLog(_, value *node) {
	if value.shape != mapping {
		l.readAccess(value)
		return
	}
	l.fields(
		value, "log",
		field{"access", func(_, v *node) { l.readAccess(v) }},
		field{"error", func(_, v *node) { l.readErrorLog(v) }},
		field{"slow", func(_, v *node) { l.durationOr("off", v, minSlow, &l.cfg.Log.Slow) }},
		field{"mask", func(_, v *node) { l.readMask(v) }},
	)
}

// readAccess reads WHERE [FORMAT], or a mapping.
func (l *loader) readAccess(v *node) {
	a := &l.cfg.Log.Access
	if v.shape == mapping {
		l.fields(
			v, "log.access",
			field{"to", func(_, v *node) {
				if s, ok := l.text(v, "off, "+wantDestination); ok {
					l.destination(v, word{s, 0}, true, &a.To)
				}
			}},
			field{"format", func(_, v *node) {
				if s, ok := l.text(v, wantFormat); ok {
					l.format(v, word{s, 0}, a)
				}
			}},
			field{"fields", func(_, v *node) { l.readLogFields(v, a) }},
		)
		return
	}
	s, ok := l.text(v, wantAccess)
	if !ok {
		return
	}
	list := words(s)
	if len(list) == 0 {
		l.errorAt(v, Diagnostic{Msg: "the value is empty", Want: wantAccess})
		return
	}
	l.destination(v, list[0], true, &a.To)
	if len(list) > 1 {
		l.format(v, list[1], a)
	}
	if len(list) > 2 {
		l.wordError(v, list[2], Diagnostic{Msg: "unexpected " + strconv.Quote(list[2].text), Want: wantAccess})
	}
}

// destination reads where a log goes.
func (l *loader) destination(v *node, w word, off bool, into *string) {
	want := wantDestination
	known := []string{"stdout", "stderr", "syslog"}
	if off {
		want, known = "off, "+want, append(known, "off")
	}
	name := w.text
	switch scheme, rest, ok := strings.Cut(name, ":"); {
	case slices.Contains(known, name):
		*into = name
	case ok && (scheme == "syslog" || scheme == "syslog+tcp"):
		l.syslog(v, w, scheme, rest, into)
	case ok && strings.HasPrefix(rest, "//"):
		l.wordError(v, w, Diagnostic{Msg: "unknown destination " + strconv.Quote(name), Want: want, Suggest: route.Suggest(scheme, []string{"syslog", "syslog+tcp"})})
	case strings.ContainsAny(name, "/.") && !strings.HasSuffix(name, "/"):
		*into = l.logFile(v, name)
		l.checkLogFile(v, w)
	default:
		l.wordError(v, w, Diagnostic{Msg: "unknown destination " + strconv.Quote(name), Want: want, Suggest: route.Suggest(name, known)})
	}
}

// logFile makes the path of a file start from the directory of the main file.
func (l *loader) logFile(v *node, name string) string {
	if filepath.IsAbs(name) || v.src.dir == l.opt.BaseDir {
		return filepath.Clean(name)
	}
	return l.relative(filepath.Join(v.src.dir, name), false)
}

// checkLogFile warns of a file that cannot be made when AnyGate starts, because its directory is not there. It is no error: what
// starts AnyGate may make the directory.
func (l *loader) checkLogFile(v *node, w word) {
	if l.opt.Stat == nil {
		return
	}
	path := v.beside(w.text)
	if info, err := l.opt.Stat(path); err == nil && info.IsDir() {
		l.wordError(v, w, Diagnostic{Msg: path + " is a directory", Want: "the path of a file"})
		return
	}
	if _, err := l.opt.Stat(filepath.Dir(path)); errors.Is(err, fs.ErrNotExist) {
		l.warnIn(v, w.off, len(w.text), Diagnostic{
			Msg: "there is no directory " + filepath.Dir(path) + " here: AnyGate does not start without it", Want: "a file in a directory that is there when AnyGate starts",
		})
	}
}

// syslog reads what stands behind the scheme.
func (l *loader) syslog(v *node, w word, scheme, rest string, into *string) {
	fail := func(msg, want string) { l.wordError(v, w, Diagnostic{Msg: msg, Want: want}) }
	authority, remote := strings.CutPrefix(rest, "//")
	if !remote {
		switch {
		case scheme != "syslog" || !filepath.IsAbs(rest):
			fail(strconv.Quote(w.text)+" names no server", "syslog:PATH with an absolute path, or "+scheme+"://HOST:PORT")
		case len(rest) > maxSocketPath:
			fail("the path of the socket is too long", "at most "+strconv.Itoa(maxSocketPath)+" bytes")
		default:
			*into = "syslog:" + filepath.Clean(rest)
		}
		return
	}
	port := "514"
	if scheme == "syslog+tcp" {
		port = "601"
	}
	host, given, ok := splitServer(authority)
	if given != "" {
		port = given
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if !ok || err != nil || number == 0 {
		fail(strconv.Quote(w.text)+" names no server", scheme+"://HOST or "+scheme+"://HOST:PORT")
		return
	}
	*into = scheme + "://" + host + ":" + port
}

// splitServer splits HOST[:PORT]. An IPv6 address stands in brackets, and keeps them.
func splitServer(s string) (host, port string, ok bool) {
	if strings.HasPrefix(s, "[") {
		end := strings.IndexByte(s, ']') + 1
		if end == 0 {
			return "", "", false
		}
		addr, err := netip.ParseAddr(s[1 : end-1])
		host, port, ok = s[:end], strings.TrimPrefix(s[end:], ":"), err == nil && addr.Is6()
		return host, port, ok && (end == len(s) || s[end] == ':' && port != "")
	}
	host, port, more := strings.Cut(s, ":")
	return host, port, host != "" && !strings.ContainsAny(host, "/?#@[]") && (!more || port != "")
}

const wantFormat = "json, combined or text"

func (l *loader) format(v *node, w word, a *AccessLog) {
	switch w.text {
	case "json", "text", "combined":
		a.Format = w.text
	default:
		l.wordError(v, w, Diagnostic{
			Msg: "unknown format " + strconv.Quote(w.text), Want: wantFormat, Suggest: route.Suggest(w.text, []string{"json", "text", "combined"}),
		})
	}
}

// readLogFields reads the names of fields that are logged.
func (l *loader) readLogFields(v *node, a *AccessLog) {
	a.Fields = l.fieldNames(v, telemetry.MaxLogFields)
}

// readMask reads the names whose values are not logged.
func (l *loader) readMask(v *node) { l.cfg.Log.Mask = l.fieldNames(v, maxMasked) }

// fieldNames reads names that a field may have, in lower case.
func (l *loader) fieldNames(v *node, most int) (names []string) {
	const want = "the name of a field"
	for _, item := range l.items(v) {
		s, ok := l.text(item, want)
		if !ok {
			continue
		}
		name := strings.ToLower(s)
		switch {
		case !http1.IsToken([]byte(s)) || len(s) > maxLogName:
			l.errorAt(item, Diagnostic{Msg: strconv.Quote(s) + " cannot be the name of a field", Want: want})
		case slices.Contains(names, name):
			l.errorAt(item, Diagnostic{Msg: strconv.Quote(s) + " is there twice", Want: "each name once"})
		case len(names) == most:
			l.errorAt(item, Diagnostic{Msg: "more than " + strconv.Itoa(most) + " names", Want: "fewer names"})
			return names
		default:
			names = append(names, name)
		}
	}
	return names
}

// readErrorLog reads a level, or a mapping with it and where the error log goes.
func (l *loader) readErrorLog(v *node) {
	level := func(v *node) { l.enum(v, "level", &l.cfg.Log.Level, "error", "warn", "info", "debug") }
	if v.shape != mapping {
		level(v)
		return
	}
	l.fields(
		v, "log.error",
		field{"level", func(_, v *node) { level(v) }},
		field{"to", func(_, v *node) {
			if s, ok := l.text(v, wantDestination); ok {
				l.destination(v, word{s, 0}, false, &l.cfg.Log.To)
			}
		}},
	)
}

// LogFiles are the paths of the files that logs are written to.
func (c *Config) LogFiles() (names []string) {
	for _, to := range []string{c.Log.To, c.Log.Access.To} {
		switch {
		case to == "off" || to == "stdout" || to == "stderr" || to == "syslog" || strings.HasPrefix(to, "syslog:") || strings.HasPrefix(to, "syslog+tcp:"):
			continue
		case !filepath.IsAbs(to):
			to = filepath.Join(c.BaseDir, to)
		}
		if !slices.Contains(names, to) {
			names = append(names, to)
		}
	}
	return names
}

// print writes the section with all that is in effect.
func (g *Log) print(b *strings.Builder) {
	b.WriteString("log:\n  access: {to: " + quoteYAML(g.Access.To) + ", format: " + g.Access.Format)
	if len(g.Access.Fields) > 0 {
		b.WriteString(", fields: " + flowList(g.Access.Fields))
	}
	b.WriteString("}\n  error: {to: " + quoteYAML(g.To) + ", level: " + g.Level + "}\n")
	b.WriteString("  slow: " + durationOrWord("off", g.Slow) + "\n")
	if len(g.Mask) > 0 {
		b.WriteString("  mask: " + flowList(g.Mask) + "\n")
	}
}

// jsonLog is the section in the JSON form of a Config.
type jsonLog struct {
	Access string   `json:"access"`
	Format string   `json:"format"`
	Fields []string `json:"fields,omitempty"`
	Error  string   `json:"error"`
	Level  string   `json:"level"`
	Slow   string   `json:"slow"`
	Mask   []string `json:"mask,omitempty"`
}

func (g *Log) json() jsonLog {
	return jsonLog{g.Access.To, g.Access.Format, g.Access.Fields, g.To, g.Level, durationWord("off", g.Slow), g.Mask}
}
