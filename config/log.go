package config

import (
	"strconv"
	"strings"

	"github.com/anygate/anygate/route"
)

func defaultLog() Log {
	return Log{Access: AccessLog{To: "off", Format: "text"}, Level: "info"}
}

const wantAccess = "off, stdout or stderr, and json or text behind it"

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
		field{"mask", l.refuse(listOf(textShape("the name of a field")))},
	)
}

// readAccess reads WHERE [FORMAT], or a mapping of both.
func (l *loader) readAccess(v *node) {
	a := &l.cfg.Log.Access
	if v.shape == mapping {
		l.fields(
			v, "log.access",
			field{"to", func(_, v *node) {
				if s, ok := l.text(v, "off, stdout or stderr"); ok {
					l.destination(v, word{s, 0}, a)
				}
			}},
			field{"format", func(_, v *node) {
				if s, ok := l.text(v, "json or text"); ok {
					l.format(v, word{s, 0}, a)
				}
			}},
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
	l.destination(v, list[0], a)
	if len(list) > 1 {
		l.format(v, list[1], a)
	}
	if len(list) > 2 {
		l.wordError(v, list[2], Diagnostic{Msg: "unexpected " + strconv.Quote(list[2].text), Want: wantAccess})
	}
}

func (l *loader) destination(v *node, w word, a *AccessLog) {
	switch w.text {
	case "off", "stdout", "stderr":
		a.To = w.text
		return
	}
	switch {
	case strings.HasPrefix(w.text, "syslog"):
		l.unavailableIn(v, w.off, len(w.text), "logging to syslog")
	case strings.ContainsAny(w.text, "/."):
		l.unavailableIn(v, w.off, len(w.text), "logging to a file")
	default:
		l.wordError(v, w, Diagnostic{
			Msg: "unknown destination " + strconv.Quote(w.text), Want: wantAccess, Suggest: route.Suggest(w.text, []string{"off", "stdout", "stderr"}),
		})
	}
}

func (l *loader) format(v *node, w word, a *AccessLog) {
	switch w.text {
	case "json", "text":
		a.Format = w.text
	case "combined":
		l.unavailableIn(v, w.off, len(w.text), `the format "combined"`)
	default:
		l.wordError(v, w, Diagnostic{
			Msg: "unknown format " + strconv.Quote(w.text), Want: "json or text", Suggest: route.Suggest(w.text, []string{"json", "text", "combined"}),
		})
	}
}

// readErrorLog reads a level, or a mapping with it. The error log itself goes to the standard error output.
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
			s, ok := l.text(v, "stderr")
			switch {
			case !ok || s == "stderr":
			case s == "stdout" || strings.HasPrefix(s, "syslog") || strings.ContainsAny(s, "/."):
				l.unavailable(v, "an error log to "+strconv.Quote(s))
			default:
				l.errorAt(v, Diagnostic{Msg: "unknown destination " + strconv.Quote(s), Want: "stderr", Suggest: route.Suggest(s, []string{"stderr"})})
			}
		}},
	)
}
