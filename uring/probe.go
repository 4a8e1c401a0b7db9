package uring

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"
)

// Features is what Probe found working on this kernel.
type Features struct {
	// Kernel is the release as uname(2) gives it, for messages. Nothing is concluded from it.
	Kernel string
	// SetupFlags are the IORING_SETUP_* flags the kernel accepted.
	SetupFlags uint32
	// RegisteredRing says that the ring's descriptor can be registered with its thread (Linux 5.18).
	RegisteredRing bool
	// ExtArg says that a wait ends at its timeout (Linux 5.11).
	ExtArg bool
	// BufRing says that a ring of provided buffers can be registered and is used by a receive (Linux 5.19).
	BufRing bool
	// MultishotRecv says that one receive delivers many times (Linux 6.0).
	MultishotRecv bool
	// MultishotAccept says that one accept delivers many connections (Linux 5.19).
	MultishotAccept bool
	// CancelFD says that operations are cancelled by descriptor (Linux 5.19).
	CancelFD bool
	// SendZC says that a zero-copy send completes and notifies (Linux 6.0, not on every protocol).
	SendZC bool
}

// featureNames lists the features with the names used in messages and the release that brought each.
var featureNames = [...]struct {
	name, since string
	has         func(*Features) bool
}{
	{"wait timeouts", "5.11", func(f *Features) bool { return f.ExtArg }},
	{"registered rings", "5.18", func(f *Features) bool { return f.RegisteredRing }},
	{"buffer rings", "5.19", func(f *Features) bool { return f.BufRing }},
	{"multishot accept", "5.19", func(f *Features) bool { return f.MultishotAccept }},
	{"cancellation by descriptor", "5.19", func(f *Features) bool { return f.CancelFD }},
	{"multishot receive", "6.0", func(f *Features) bool { return f.MultishotRecv }},
	{"zero-copy send", "6.0", func(f *Features) bool { return f.SendZC }},
}

// Required is what the engine cannot do without.
var Required = Features{ExtArg: true, BufRing: true, MultishotRecv: true, MultishotAccept: true, CancelFD: true}

// Usable reports whether everything in Required is there, and otherwise names what is missing.
func (f Features) Usable() (ok bool, missing string) {
	var names []string
	for _, feature := range featureNames {
		if feature.has(&Required) && !feature.has(&f) {
			names = append(names, feature.name+" (Linux "+feature.since+")")
		}
	}
	return len(names) == 0, strings.Join(names, ", ")
}

// Err returns nil if the features are Usable, and otherwise an error that Explain understands.
func (f Features) Err() error {
	if ok, missing := f.Usable(); !ok {
		return &MissingError{Kernel: f.Kernel, Missing: missing}
	}
	return nil
}

// MissingError says that io_uring is there but lacks something in Required.
type MissingError struct{ Kernel, Missing string }

func (e *MissingError) Error() string {
	return fmt.Sprintf("io_uring of kernel %s lacks %s", e.Kernel, e.Missing)
}

// setupNames are the set-up flags in the order in which they are printed.
var setupNames = [...]struct {
	flag uint32
	name string
}{
	{SetupSingleIssuer, "single_issuer"},
	{SetupDeferTaskrun, "defer_taskrun"},
	{SetupCoopTaskrun, "coop_taskrun"},
	{SetupTaskrunFlag, "taskrun_flag"},
	{SetupNoSQArray, "no_sqarray"},
	{SetupSubmitAll, "submit_all"},
	{SetupClamp, "clamp"},
	{SetupCQSize, "cqsize"},
}

// String lists the features in one line for a log.
func (f Features) String() string {
	var flags, has, lacks []string
	for _, s := range setupNames {
		if f.SetupFlags&s.flag != 0 {
			flags = append(flags, s.name)
		}
	}
	for _, feature := range featureNames {
		if feature.has(&f) {
			has = append(has, feature.name)
		} else {
			lacks = append(lacks, feature.name)
		}
	}
	s := fmt.Sprintf("kernel %s, set-up %s, has %s", f.Kernel, strings.Join(flags, "|"), strings.Join(has, ", "))
	if len(lacks) > 0 {
		s += ", lacks " + strings.Join(lacks, ", ")
	}
	return s
}

// kernelRelease returns the release of the running kernel.
func kernelRelease() string {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return "unknown"
	}
	return unix.ByteSliceToString(u.Release[:])
}
