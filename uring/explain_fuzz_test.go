package uring

import (
	"testing"

	"golang.org/x/sys/unix"
)

// FuzzExplain reads whatever the files of a system may hold. Property: there is always a cause and a cure, of one line each.
func FuzzExplain(f *testing.F) {
	f.Add("2\n", "-1\n", statusPlain, "6.12.0", uint16(unix.EPERM))
	f.Add("1\n", "990\n", statusContainer, "6.6.1", uint16(unix.EPERM))
	f.Add("", "", statusFiltered, "5.10.0", uint16(unix.ENOSYS))
	f.Add("0", "", "CapEff:\tnot a mask\nSeccomp", "6", uint16(unix.ENOMEM))
	f.Add("1 2\r\n3", ":", "CapEff:\nCapEff: ffffffffffffffffff\n", "..", uint16(0))
	f.Fuzz(func(t *testing.T, disabled, group, status, release string, errno uint16) {
		cause, cure := testHost(t, disabled, group, status, release).explain(unix.Errno(errno))
		if cause == "" || cure == "" {
			t.Errorf("cause %q, cure %q", cause, cure)
		}
	})
}
