package privileges

import (
	"io/fs"
	"os/user"
	"syscall"
	"testing"
)

// TestUnknown tells a list that does not have somebody, or is not there, from one that cannot be read.
func TestUnknown(t *testing.T) {
	for _, c := range []struct {
		err  error
		want bool
	}{
		{user.UnknownUserError("x"), true},
		{user.UnknownUserIdError(7), true},
		{user.UnknownGroupError("x"), true},
		{&fs.PathError{Op: "open", Path: "/etc/passwd", Err: syscall.ENOENT}, true},
		{&fs.PathError{Op: "open", Path: "/etc/passwd", Err: syscall.EACCES}, false},
	} {
		if got := isUnknown(c.err); got != c.want {
			t.Errorf("%v: %t", c.err, got)
		}
	}
}
