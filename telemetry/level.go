package telemetry

// Level is the severity of a line in the error log, the most severe first.
type Level uint8

// The levels. A log set to one of them has the lines of that level and of those before it.
const (
	// Error is for what needs someone's attention: the process cannot do what it is configured to do.
	Error Level = iota
	// Warn is for what went wrong for a client, or will if nothing changes.
	Warn
	// Info is for what is worth knowing about normal operation.
	Info
	// Debug is for what helps to find a fault.
	Debug
)

var levelNames = [...]string{Error: "error", Warn: "warn", Info: "info", Debug: "debug"}

// String is the level's name in configuration and log.
func (l Level) String() string {
	if int(l) < len(levelNames) {
		return levelNames[l]
	}
	return "unknown"
}

// ParseLevel returns the level with that name.
func ParseLevel(name string) (Level, bool) {
	for l, n := range levelNames {
		if n == name {
			return Level(l), true
		}
	}
	return 0, false
}

// Allows reports whether a log set to l has lines of level m.
func (l Level) Allows(m Level) bool { return m <= l }
