package http1

import "bytes"

// Edits are changes to field lines, compiled: lines of some names go, and others come behind the rest. They are
// immutable once they are in use.
type Edits struct {
	drop []string // names in lower case
	add  []byte   // field lines
}

// Remove makes the lines of a name go, those that were added before included.
func (e *Edits) Remove(name string) {
	lower := string(bytes.ToLower([]byte(name)))
	if !e.Drops([]byte(name)) {
		e.drop = append(e.drop, lower)
	}
	e.add = cutLines(e.add, 0, []string{lower})
}

// Add adds a line.
func (e *Edits) Add(name, value string) { e.add = AppendField(e.add, name, value) }

// Set makes a line the only one of its name.
func (e *Edits) Set(name, value string) {
	e.Remove(name)
	e.Add(name, value)
}

// Drops reports whether the lines of a name go.
func (e *Edits) Drops(name []byte) bool {
	for _, d := range e.drop {
		if EqualFold(name, d) {
			return true
		}
	}
	return false
}

// Room is by how much the edits may make a head longer.
func (e *Edits) Room() int { return len(e.add) }

// Apply edits the field lines that b has from an offset on, in place as far as nothing comes.
func (e *Edits) Apply(b []byte, from int) []byte {
	if len(e.drop) > 0 {
		b = cutLines(b, from, e.drop)
	}
	return append(b, e.add...)
}

// With is the edits with other lines in place of those that come, for lines that are made anew for each message.
func (e *Edits) With(lines []byte) Edits { return Edits{drop: e.drop, add: lines} }

// Strip is Apply without what comes.
func (e *Edits) Strip(b []byte, from int) []byte { return cutLines(b, from, e.drop) }

// Host is the value of a Host field that comes, nil if none does.
func (e *Edits) Host() []byte {
	for lines := e.add; len(lines) > 0; {
		end := bytes.IndexByte(lines, '\n') + 1
		if lineOf(lines[:end], hostName) {
			return bytes.TrimSpace(lines[len("Host:"):end])
		}
		lines = lines[end:]
	}
	return nil
}

// ApplyFields is Apply for messages whose Host is no field.
func (e *Edits) ApplyFields(b []byte, from int) []byte {
	return cutLines(e.Apply(b, from), from, hostName)
}

var hostName = []string{"host"}

// cutLines removes the field lines of some names from b, in place.
func cutLines(b []byte, from int, names []string) []byte {
	to := from
	for from < len(b) {
		end := from + bytes.IndexByte(b[from:], '\n') + 1
		if end == from {
			end = len(b)
		}
		if !lineOf(b[from:end], names) {
			to += copy(b[to:], b[from:end])
		}
		from = end
	}
	return b[:to]
}

// lineOf reports whether a field line is of one of some names.
func lineOf(line []byte, names []string) bool {
	for _, name := range names {
		if len(line) > len(name) && line[len(name)] == ':' && EqualFold(line[:len(name)], name) {
			return true
		}
	}
	return false
}
