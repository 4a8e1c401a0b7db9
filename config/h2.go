package config

import (
	"strconv"

	"github.com/anygate/anygate/policy/quantity"
)

// H2 is how HTTP/2 is spoken with clients.
type H2 struct {
	// On is whether it is spoken at all.
	On bool
	// Streams is how many requests of a connection may be under way; more are refused.
	Streams int
	// Window is how many bytes of content may come of a request before anybody has asked for it, ConnectionWindow that of
	// all requests of a connection together. A client that has used them up waits.
	Window, ConnectionWindow int64
	// HeaderTable is the size of the table with which a client compresses heads.
	HeaderTable int64
}

// The bounds of `server.h2`. The least windows are those that every connection begins with (RFC 9113, section 6.9.2).
const (
	maxH2Streams = 1000

	defaultH2Streams        = 128
	defaultWindow           = 64 << 10
	defaultConnectionWindow = 1 << 20
	minH2Window             = 64 << 10
	maxH2Window             = 16 << 20
	maxConnectionWindow     = 256 << 20

	defaultHeaderTable = 4 << 10
	maxHeaderTable     = 64 << 10
)

func defaultH2() H2 {
	return H2{
		On: true, Streams: defaultH2Streams, Window: defaultWindow, ConnectionWindow: defaultConnectionWindow, HeaderTable: defaultHeaderTable,
	}
}

// readH2 reads on, off, or the settings, which turn it on.
func (l *loader) readH2(value *node, h *H2) {
	if value.shape != mapping {
		l.readSwitch(value, &h.On)
		return
	}
	size := func(lo, hi int64, into *int64) func(_, v *node) {
		return func(_, v *node) { l.size(v, lo, hi, into) }
	}
	h.On = true
	l.fields(
		value, "server.h2",
		field{"streams", func(_, v *node) { l.integer(v, 1, maxH2Streams, &h.Streams) }},
		field{"window", size(minH2Window, maxH2Window, &h.Window)},
		field{"connection-window", size(minH2Window, maxConnectionWindow, &h.ConnectionWindow)},
		field{"header-table", size(0, maxHeaderTable, &h.HeaderTable)},
	)
}

// String writes the settings as `server.h2` has them.
func (h *H2) String() string {
	if !h.On {
		return "off"
	}
	return "{streams: " + strconv.Itoa(h.Streams) + ", window: " + quantity.FormatSize(h.Window) +
		", connection-window: " + quantity.FormatSize(h.ConnectionWindow) + ", header-table: " + quantity.FormatSize(h.HeaderTable) + "}"
}

type jsonH2 struct {
	Streams          int   `json:"streams"`
	Window           int64 `json:"window"`
	ConnectionWindow int64 `json:"connection_window"`
	HeaderTable      int64 `json:"header_table"`
}

// json is nil where HTTP/2 is off.
func (h *H2) json() *jsonH2 {
	if !h.On {
		return nil
	}
	return &jsonH2{h.Streams, h.Window, h.ConnectionWindow, h.HeaderTable}
}
