package nginx

import (
	"strings"

	"github.com/anygate/anygate/import/document"
)

// log is the section log. nginx logs requests unless it is told not to.
func (c *converter) log() (m document.Map) {
	if access := c.accessLog(); access != nil {
		m.Add("access", access)
	}
	d := c.http.ownOne("error_log")
	if main := c.http.root().ownOne("error_log"); d == nil {
		d = main
	}
	if d == nil {
		return m
	}
	level := "error"
	switch d.arg(1) {
	case "debug", "warn":
		level = d.arg(1)
	case "info", "notice":
		level = "info"
	}
	switch to := d.arg(0); {
	case to == "stderr":
		m.Add("error", document.Word(level))
	case strings.HasPrefix(to, "syslog:"):
		m.Add("error", document.Map{{Key: "level", Value: document.Word(level)}, {Key: "to", Value: c.syslog(d)}})
	default:
		m.Add("error", document.Map{{Key: "level", Value: document.Word(level)}, {Key: "to", Value: document.Text(c.logFile(d))}})
	}
	return m
}

// accessLog is where requests are logged: the log of http, or of a server that has one of its own; there is only one.
func (c *converter) accessLog() document.Value {
	list := c.http.own("access_log")
	off := len(list) > 0 && list[0].arg(0) == "off"
	if len(list) == 0 || off {
		for _, s := range c.http.own("server") {
			for _, d := range s.children {
				if d.name == "access_log" && d.arg(0) != "off" {
					list, off = append(list[:0:0], d), false
					break
				}
			}
			if len(list) > 0 && !off {
				break
			}
		}
	}
	var first *node
	for _, d := range list {
		if d.arg(0) != "off" && first == nil {
			first = d
			d.seen = true
		}
	}
	c.otherLogs(c.http, first)
	switch {
	case off:
		return nil
	case first == nil:
		return document.Word("stdout")
	case strings.HasPrefix(first.arg(0), "/dev/std"):
		return document.Word(first.arg(0)[len("/dev/"):])
	}
	format := "combined"
	if name := first.arg(1); name != "" && name != "combined" && !strings.Contains(name, "=") {
		format = c.logFormat(first, name)
	}
	if strings.HasPrefix(first.arg(0), "syslog:") {
		return document.Map{{Key: "to", Value: c.syslog(first)}, {Key: "format", Value: document.Word(format)}}
	}
	return document.Map{{Key: "to", Value: document.Text(c.logFile(first))}, {Key: "format", Value: document.Word(format)}}
}

// logFormat is the form that comes nearest to one of the configuration.
func (c *converter) logFormat(at *node, name string) string {
	for _, d := range c.http.own("log_format") {
		if d.arg(0) != name {
			continue
		}
		text := strings.Join(d.args[1:], "")
		if strings.Contains(text, "escape=json") {
			c.differs(d, "The lines are JSON, with members of AnyGate's own.", "docs/operating.md lists them; log: {access: {fields: [...]}} adds fields of requests.")
			return "json"
		}
		if strings.HasPrefix(text, combinedFormat) {
			if text != combinedFormat {
				c.differs(d, "The lines have the form combined; what stands behind it is left out.", "log: {access: {format: json}} has more.")
			}
			return "combined"
		}
		c.differs(d, "The lines have the form combined.", "log: {access: {format: json}} has more.")
		return "combined"
	}
	c.lost(at, "There is no log_format "+name+".", "")
	return "combined"
}

const combinedFormat = `$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"`

// otherLogs tells of every log but one.
func (c *converter) otherLogs(n, first *node) {
	for _, d := range n.children {
		if d.name == "access_log" && d != first && d.arg(0) != "off" {
			c.differs(d, "There is one access log for all routes.", "Lines have the host and the route in them.")
		}
		if d.name == "server" || d.name == "location" {
			c.otherLogs(d, first)
		}
	}
}

// logFile is the path of a log; nginx has relative ones below its prefix.
func (c *converter) logFile(d *node) string {
	name := d.arg(0)
	if strings.HasPrefix(name, "/") {
		return name
	}
	c.differs(d, "The file is relative to where nginx was installed.", "")
	return "/var/log/anygate/" + name[strings.LastIndexByte(name, '/')+1:]
}

// syslog is the address of a server of syslog.
func (c *converter) syslog(d *node) document.Value {
	for _, p := range strings.Split(strings.TrimPrefix(d.arg(0), "syslog:"), ",") {
		if at, ok := strings.CutPrefix(p, "server="); ok {
			if path, ok := strings.CutPrefix(at, "unix:"); ok {
				return document.Text("syslog:" + path)
			}
			if !strings.Contains(at, ":") {
				at += ":514"
			}
			return document.Text("syslog://" + at)
		}
	}
	return document.Word("syslog")
}
