package policy

import (
	"strconv"

	"github.com/anygate/anygate/route"
)

// Policy is one parsed policy. Values are immutable.
type Policy interface {
	// Name is the word the policy starts with.
	Name() string
	// String is the canonical line: the name and its arguments.
	String() string
	// Available says whether this version carries the policy out.
	Available() bool
	// Slot names what the policy sets. Two policies of one list with the same slot contradict each other; a name whose
	// policies have different slots (limits per address and per route) may stand in one list more than once.
	Slot() string
}

// Filed is a policy that names files. A name is relative to the directory of the file of the configuration that the policy
// stands in, until whoever loads that renames it.
type Filed interface {
	Policy
	// Files are the names.
	Files() []string
	// WithFiles is the policy with other names.
	WithFiles(rename func(string) string) Policy
}

// Error says which bytes of a policy's text are wrong, and why.
type Error struct {
	// Off and Len are the offending byte range of the text given to Parse or ParseLine.
	Off, Len int
	// Msg says what is wrong and quotes the offending text.
	Msg string
	// Want says what was expected.
	Want string
	// Suggest is the word that was probably meant, or empty.
	Suggest string
}

// Error returns the message with the expectation, on one line.
func (e *Error) Error() string {
	s := e.Msg
	if e.Want != "" {
		s += "; expected " + e.Want
	}
	if e.Suggest != "" {
		s += "; did you mean " + strconv.Quote(e.Suggest) + "?"
	}
	return s
}

type parser func(*words) (Policy, *Error)

// entry joins a policy's name to its parser and to the form that messages show.
type entry struct {
	name  string
	form  string
	parse parser
}

var entries = [...]entry{
	{"limit", "limit RATE [burst N] [per ip|route|header NAME]", parseLimit},
	{"conns", "conns N [per ip|route|header NAME]", parseConns},
	{"body", "body SIZE", parseBody},
	{"timeout", "timeout DURATION", parseTimeout},
	{"headers", "headers [req] +NAME=VALUE -NAME ~NAME=VALUE", parseHeaders},
	{"cors", "cors ORIGIN... [credentials] [maxage DURATION]", parseCORS},
	{"allow", "allow ADDRESS...", parseAllow},
	{"deny", "deny ADDRESS...", parseDeny},
	{"auth", "auth basic FILE, auth bearer ENV_OR_FILE or auth header NAME ENV_OR_FILE", parseAuth},
	{"mtls", "mtls FILE", parseMTLS},
	{"token", "token FILE issuer NAME [type 1|2] [origin NAME,...|cross-origin] [maxage DURATION] [secret ENV_OR_FILE]", parseToken},
	{"cache", "cache DURATION [stale DURATION]", parseCache},
	{"compress", "compress or compress off", parseCompress},
	{"retry", "retry N", parseRetry},
	{"balance", "balance " + balanceForms, parseBalance},
	{"log", "log off or log PERCENTAGE", parseLog},
}

// Names returns the names of all policies, in the order of the documentation.
func Names() []string {
	names := make([]string, len(entries))
	for i := range entries {
		names[i] = entries[i].name
	}
	return names
}

// Parse parses the arguments of the policy with that name. The offsets of an error count from the start of args. An
// unknown name is an error of length 0 at offset 0.
func Parse(name, args string) (Policy, *Error) {
	e := find(name)
	if e == nil {
		return nil, unknown(name)
	}
	return e.run(args)
}

// ParseLine parses a policy's whole line. The offsets of an error count from the start of line.
func ParseLine(line string) (Policy, *Error) {
	name, args, off := Split(line)
	if name == "" {
		return nil, &Error{Msg: "empty policy", Want: "the name of a policy, such as limit or cors"}
	}
	e := find(name)
	if e == nil {
		err := unknown(name)
		err.Off, err.Len = len(line)-len(trimLeft(line)), len(name)
		return nil, err
	}
	p, err := e.run(args)
	if err != nil {
		err.Off += off
		if err.Len == 0 {
			// Something is missing behind the end: the whole line is what has to grow.
			start := len(line) - len(trimLeft(line))
			err.Off, err.Len = start, len(trimRight(line))-start
		}
	}
	return p, err
}

// Split separates a policy's name from its arguments; argsOff is the offset of args in line. Blanks around the name
// and at the end of the line belong to neither.
func Split(line string) (name, args string, argsOff int) {
	start := len(line) - len(trimLeft(line))
	line = trimRight(line)
	end := start
	for end < len(line) && !blank(line[end]) {
		end++
	}
	if start >= len(line) {
		return "", "", len(line)
	}
	argsOff = end
	for argsOff < len(line) && blank(line[argsOff]) {
		argsOff++
	}
	return line[start:end], line[argsOff:], argsOff
}

func find(name string) *entry {
	for i := range entries {
		if entries[i].name == name {
			return &entries[i]
		}
	}
	return nil
}

func unknown(name string) *Error {
	return &Error{
		Msg:     "unknown policy " + strconv.Quote(name),
		Want:    "the name of a policy, such as limit or cors",
		Suggest: route.Suggest(name, Names()),
	}
}

// run parses args and makes sure that no word is left over.
func (e *entry) run(args string) (Policy, *Error) {
	w, err := split(args)
	if err != nil {
		return nil, err
	}
	w.form = e.form
	p, err := e.parse(w)
	if err != nil {
		return nil, err
	}
	if extra, ok := w.next(); ok {
		return nil, w.unexpected(extra)
	}
	return p, nil
}
