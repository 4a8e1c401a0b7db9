package privileges

import (
	"os"
	"strconv"
	"strings"
)

// Status is what the kernel says of the rights of a thread.
type Status struct {
	UID, GID    int // the effective ones
	Groups      []int
	Effective   Capabilities
	Permitted   Capabilities
	Bounding    Capabilities
	Inheritable Capabilities
	Ambient     Capabilities
	NoNewPrivs  bool
	Seccomp     bool // a filter is in force
}

// Own is the status of the thread that asks.
func Own() (Status, error) { return Of("/proc/thread-self/status") }

// Of reads a status file of proc(5).
func Of(name string) (s Status, err error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return s, err
	}
	for line := range strings.Lines(string(text)) {
		key, value, _ := strings.Cut(line, ":")
		fields := strings.Fields(value)
		switch key {
		case "Uid":
			s.UID = effective(fields)
		case "Gid":
			s.GID = effective(fields)
		case "Groups":
			for _, f := range fields {
				if n, err := strconv.Atoi(f); err == nil {
					s.Groups = append(s.Groups, n)
				}
			}
		case "CapEff":
			s.Effective = mask(fields)
		case "CapPrm":
			s.Permitted = mask(fields)
		case "CapBnd":
			s.Bounding = mask(fields)
		case "CapInh":
			s.Inheritable = mask(fields)
		case "CapAmb":
			s.Ambient = mask(fields)
		case "NoNewPrivs":
			s.NoNewPrivs = len(fields) > 0 && fields[0] == "1"
		case "Seccomp":
			s.Seccomp = len(fields) > 0 && fields[0] == "2"
		}
	}
	return s, nil
}

// effective is the second of real, effective, saved and file system id.
func effective(fields []string) int {
	if len(fields) < 2 {
		return -1
	}
	n, err := strconv.Atoi(fields[1])
	if err != nil {
		return -1
	}
	return n
}

func mask(fields []string) Capabilities {
	if len(fields) == 0 {
		return 0
	}
	n, _ := strconv.ParseUint(fields[0], 16, 64)
	return Capabilities(n)
}
