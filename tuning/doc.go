// Package tuning is what "anygate tune" knows: which settings of a host matter to AnyGate, what they are, what they should
// be, and what the kernel's own counters say about it.
//
// The knowledge is data: profiles/*.yml has one row for each setting, with the wanted value, the reason, the source and the
// risk, and evidence.yml one for each counter. Profiles inherit rows from each other. One evaluator, Check, reads the
// host and compares; docs/tuning.md is generated from the same rows.
//
//	Check    the rows of a profile against a host                      -> Report
//	Plan     those of them that can be written, up to a risk           -> Plan
//	Apply    writes a plan, and a file that says how it was before
//	Revert   puts everything back as that file says, byte for byte
//	Verify   the kernel's counters, and the settings that they support -> Evidence
//
// A Host is a tree in which /proc, /sys, /etc and /var are found: this machine's, or one that a test has made. What no file
// tells, such as the rings of a network interface, are functions of it.
//
// Only sysctls are written. What else is to be done (governor, huge pages, interrupts, limits of a service) is reported with
// the command that does it, because it belongs to other tools, which would undo it, and does not last by itself. In a
// container nothing is written at all.
//
// Everything here is ordinary code for the main goroutine of a command. Nothing of it runs while requests are served.
package tuning
