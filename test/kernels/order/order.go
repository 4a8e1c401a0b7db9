// Package order holds what the two sides of a boot say to each other: the order that the initramfs carries to the first
// process of the guest, and the lines that come back through the second serial port. Both are JSON.
package order

// Path is where the order lies in the initramfs.
const Path = "/order.json"

// Port is the device the guest reports through. It is not the console, where a message of the kernel could come in the
// middle of a line.
const Port = "/dev/ttyS1"

// Order is what the guest is to do.
type Order struct {
	// Modules are files in the initramfs, to be loaded one after the other.
	Modules  []string
	Settings []Setting
	// User is the number of the user and the group that the programs run as. 0 keeps all privileges.
	User uint32
	// LockedMemory is the programs' RLIMIT_MEMLOCK in bytes, if there is to be one of their own.
	LockedMemory *uint64
	Programs     []Program
}

// Setting is a sysctl, by its path below /proc/sys.
type Setting struct{ Path, Value string }

// Program is one to be run to its end.
type Program struct {
	Name        string
	Arguments   []string // its path first
	Environment []string
	// Test says that it is a test program, the verdicts of which are to be counted.
	Test bool
}

// Line is one line of the report. The last one is Done; a report without it is of a guest that died.
type Line struct {
	// Release is the kernel's, in the first line.
	Release string   `json:",omitempty"`
	Outcome *Outcome `json:",omitempty"`
	// Trouble is what kept the guest from carrying out its order.
	Trouble string `json:",omitempty"`
	Done    bool   `json:",omitempty"`
}

// Outcome is how a program ended.
type Outcome struct {
	Program string
	Code    int // -1 if a signal ended it
	Seconds float64
	// Passed counts the tests and their parts that passed; the others are named.
	Passed  int      `json:",omitempty"`
	Failed  []string `json:",omitempty"`
	Skipped []string `json:",omitempty"`
	// Output is what a program that is no test has printed.
	Output string `json:",omitempty"`
}
