package tuning

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestRecordOfAnother does not believe a record that somebody else can have written: revert writes as root what it says. Nor is one
// made where others could put theirs in its place.
func TestRecordOfAnother(t *testing.T) {
	const nobody = 65534
	tests := []struct {
		name  string
		spoil func(h *Host) error
		want  string
	}{
		{"written by another user", func(h *Host) error { return os.Chown(h.path(DefaultState), nobody, nobody) }, "restore.json is not believed: user 65534 may have changed it"},
		{"for all to write", func(h *Host) error { return chmod(h, DefaultState, 0o666) }, "restore.json is not believed"},
		{"a link", func(h *Host) error {
			return errors.Join(os.Rename(h.path(DefaultState), h.path("/var/lib/real")), os.Symlink("/var/lib/real", h.path(DefaultState)))
		}, "is a link"},
		{"a directory", func(h *Host) error {
			return errors.Join(os.Remove(h.path(DefaultState)), os.Mkdir(h.path(DefaultState), 0o755))
		}, "no regular file"},
		{"in a directory of another user", func(h *Host) error { return os.Chown(h.path(path.Dir(DefaultState)), nobody, nobody) }, "belongs to user 65534"},
		{"in a directory for all", func(h *Host) error { return chmod(h, path.Dir(DefaultState), 0o777) }, "choose another place for --state"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := newHost(t, nil)
			must(t, Apply(h, plan(t, h, Options{Profile: "edge"}), DefaultState))
			must(t, tt.spoil(h))
			before := snapshot(t, h.Root)
			if _, err := Revert(h, DefaultState, false); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("revert: %v", err)
			}
			r, err := Check(h, edgeMeasure)
			must(t, err)
			p, err := NewPlan(h, r, DefaultState)
			if err == nil {
				err = Apply(h, p, DefaultState)
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("apply: %v", err)
			}
			sameSnapshot(t, "afterwards", before, snapshot(t, h.Root))
		})
	}
	// In a directory such as /tmp nobody can take another's file away.
	h := newHost(t, map[string]*string{"/tmp/": is("")})
	must(t, chmod(h, "/tmp", 0o777|fs.ModeSticky))
	must(t, Apply(h, plan(t, h, Options{Profile: "edge"}), "/tmp/record.json"))
	_, err := Revert(h, "/tmp/record.json", false)
	must(t, err)
}

// TestLockOfNothing has a revert end, which removes the directory, while another command has opened it and waits for its lock.
func TestLockOfNothing(t *testing.T) {
	h := newHost(t, map[string]*string{path.Dir(DefaultState) + "/": is("")})
	d, err := os.Open(h.path(path.Dir(DefaultState)))
	must(t, err)
	defer d.Close()
	info, err := d.Stat()
	must(t, err)
	must(t, os.Remove(d.Name()))
	if err := h.lockDirectory(d, path.Dir(DefaultState), info); !errors.Is(err, ErrBusy) {
		t.Errorf("without the directory: %v", err)
	}
	must(t, os.Mkdir(d.Name(), 0o755))
	if err := h.lockDirectory(d, path.Dir(DefaultState), info); !errors.Is(err, ErrBusy) {
		t.Errorf("with a new one: %v", err)
	}
}

// TestOwnerIsRestored has a file of somebody else, who still owns it after apply, and after revert.
func TestOwnerIsRestored(t *testing.T) {
	h := newHost(t, map[string]*string{SysctlFile: is("vm.swappiness = 5\n")})
	must(t, os.Chown(h.path(SysctlFile), 1234, 2345))
	must(t, chmod(h, SysctlFile, 0o660))
	want := ownership{0o660, 1234, 2345}
	owner := func(when string) {
		t.Helper()
		info, err := os.Stat(h.path(SysctlFile))
		must(t, err)
		if got := ownershipOf(info); got != want {
			t.Errorf("%s: %+v", when, got)
		}
	}
	must(t, Apply(h, plan(t, h, edgeMeasure), DefaultState))
	owner("after apply")
	_, err := Revert(h, DefaultState, false)
	must(t, err)
	owner("after revert")
}

// TestReadOnlyDirectory has an /etc that cannot be written, with and without the file: apply says so, and leaves nothing behind
// that revert would have to try again.
func TestReadOnlyDirectory(t *testing.T) {
	dir := ownNamespace(t)
	if dir == "" {
		return
	}
	for _, file := range []*string{nil, is("vm.swappiness = 5\n")} {
		h := newHost(t, map[string]*string{"/etc/sysctl.d/": is("")})
		if file != nil {
			change(t, h, map[string]*string{SysctlFile: file})
		}
		must(t, unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""))
		etc := h.path("/etc")
		must(t, unix.Mount(etc, etc, "", unix.MS_BIND, ""))
		must(t, unix.Mount("", etc, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY, ""))
		before := snapshot(t, h.Root)
		err := Apply(h, plan(t, h, edgeMeasure), DefaultState)
		if !errors.Is(err, unix.EROFS) || strings.Contains(err.Error(), "put back") {
			t.Errorf("%v", err)
		}
		sameSnapshot(t, "afterwards", before, snapshot(t, h.Root))
		must(t, unix.Unmount(etc, 0))
	}
}
