package certificate

import "strings"

// Part says which of the two files of a pair a problem is about.
type Part uint8

// The parts.
const (
	Chain Part = iota
	Key
)

// Problem is something that is wrong with a certificate or a key.
type Problem struct {
	Part Part
	// Warning says that the pair can be served all the same.
	Warning bool
	// Msg says what is wrong, without the name of the file.
	Msg string
	// Want says what was expected, or is empty.
	Want string
}

// Problems are what is wrong with a pair.
type Problems []Problem

// Fatal reports whether one of them keeps the pair from being served.
func (ps Problems) Fatal() bool {
	for _, p := range ps {
		if !p.Warning {
			return true
		}
	}
	return false
}

// Error joins those that keep the pair from being served.
func (ps Problems) Error() string {
	var list []string
	for _, p := range ps {
		if !p.Warning {
			list = append(list, p.Msg)
		}
	}
	return strings.Join(list, "; ")
}

func (ps *Problems) fail(part Part, msg, want string) {
	*ps = append(*ps, Problem{Part: part, Msg: msg, Want: want})
}

func (ps *Problems) warn(part Part, msg, want string) {
	*ps = append(*ps, Problem{Part: part, Warning: true, Msg: msg, Want: want})
}
