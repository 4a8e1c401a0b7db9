package privileges

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestLookup(t *testing.T) {
	root, err := Lookup("root", "")
	if err != nil || root.UID != 0 || root.GID != 0 || !slices.Contains(root.Groups, 0) || root.Name != "root" {
		t.Errorf("root is %+v, %v", root, err)
	}
	byNumber, err := Lookup("0", "")
	if err != nil || byNumber.String() != root.String() {
		t.Errorf("0 is %v, %v; root is %v", byNumber, err, root)
	}
	stranger, err := Lookup("4123456789", "4123456788")
	if err != nil || stranger.String() != "4123456789 (uid 4123456789, gid 4123456788, groups 4123456788)" {
		t.Errorf("a number that nobody has is %v, %v", stranger, err)
	}
	for _, c := range []struct{ name, group, want string }{
		{"no-such-user", "", `there is no user "no-such-user"`},
		{"no-such-user", "0", `there is no user "no-such-user"`},
		{"root", "no-such-group", `there is no group "no-such-group"`},
		{"4123456789", "", "name one as well, as in 4123456789:4123456789"},
		{"4294967295", "0", "there is no user"},
		{"-1", "0", "there is no user"},
		{"0", "4294967296", "there is no group"},
	} {
		if a, err := Lookup(c.name, c.group); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s:%s is %v, %v; want %q", c.name, c.group, a, err, c.want)
		}
	}
}

func TestCapabilitiesAsText(t *testing.T) {
	for c, want := range map[Capabilities]string{
		0: "none", Bind: "net_bind_service", 1<<0 | 1<<40 | 1<<41: "chown checkpoint_restore capability 41", 1<<41 - 1: "all", ^Capabilities(0): "all",
	} {
		if got := c.String(); got != want {
			t.Errorf("%x is %q, want %q", uint64(c), got, want)
		}
	}
}

func TestStatus(t *testing.T) {
	name := filepath.Join(t.TempDir(), "status")
	const text = "Name:\tanygate\nUid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\nGroups:\t6 100 \nCapInh:\t0000000000000001\nCapPrm:\t0000000000000400\n" +
		"CapEff:\t0000000000000402\nCapBnd:\t000001ffffffffff\nCapAmb:\t0000000000000000\nNoNewPrivs:\t1\nSeccomp:\t2\nSeccomp_filters:\t1\n"
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := Of(name)
	if err != nil || s.UID != 2 || s.GID != 6 || !slices.Equal(s.Groups, []int{6, 100}) || s.Inheritable != 1 || s.Permitted != Bind ||
		s.Effective != Bind|2 || s.Bounding.String() != "all" || s.Ambient != 0 || !s.NoNewPrivs || !s.Seccomp {
		t.Errorf("%+v, %v", s, err)
	}
	if own, err := Own(); err != nil || own.UID != os.Geteuid() {
		t.Errorf("this process is %+v, %v", own, err)
	}
}

// tree makes files and links below a directory.
func tree(t *testing.T, files ...string) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		name, target, link := strings.Cut(f, " -> ")
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if link {
			err = os.Symlink(target, path)
		} else {
			err = os.WriteFile(path, nil, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestReaches(t *testing.T) {
	dir := tree(t, "app/releases/1/index.html", "app/current -> releases/1", "live/site.pem -> ../archive/site1.pem", "archive/site1.pem", "logs/x", "out -> /etc")
	in := func(name string) string { return filepath.Join(dir, name) }
	var r Reaches
	r.AddAround(in("app/current"), Read)
	r.AddAround(in("live/site.pem"), Read)
	r.Add(in("logs"), Write)
	r.Add(in("not/there"), Read)
	r.AddAround("/etc", Read)
	want := Reaches{{"/etc", Read}, {in("app"), Read}, {in("app/releases"), Read}, {in("archive"), Read}, {in("live"), Read}, {in("logs"), Write}}
	slices.SortFunc(want, func(a, b Reach) int { return strings.Compare(a.Path, b.Path) })
	if !slices.Equal(r, want) {
		t.Errorf("the list is\n%v\nnot\n%v", r, want)
	}
	if got := r.Paths(Read); slices.Contains(got, in("app/releases")) || !slices.Contains(got, in("app")) || slices.Contains(got, in("logs")) {
		t.Errorf("what can be read is %q", got)
	}
	for _, c := range []struct {
		path   string
		access Access
		want   bool
	}{
		{in("app"), Read, true},
		{in("app/current/index.html"), Read, true},
		{in("app/releases/2/new"), Read, true}, // which is not there yet
		{in("application"), Read, false},
		{in("app/current"), Write, false},
		{in("logs/new.log"), Write, true},
		{in("logs/new.log"), Read, false},
		{in("out/passwd"), Read, true}, // a link to /etc
		{in("none/at/all"), Read, false},
		{"/", Read, false},
	} {
		if got := r.Allow(c.path, c.access); got != c.want {
			t.Errorf("%s, access %d: %t", c.path, c.access, got)
		}
	}
	r.Add("/", Read)
	if !r.Allow("/anything/at/all", Read) {
		t.Error("below the root something is out of reach")
	}
}

// TestFiles follows files from one who may read them to one who may not.
func TestFiles(t *testing.T) {
	dir := tree(t, "key", "other")
	key := filepath.Join(dir, "key")
	if err := os.WriteFile(key, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	direct := os.ReadFile
	denied := func(name string) ([]byte, error) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: unix.EACCES}
	}
	before := NewFiles(nil)
	if text, err := before.Read(key, direct); err != nil || string(text) != "secret" {
		t.Fatalf("%q, %v", text, err)
	}
	state := &State{User: "somebody", Kept: before.kept}
	f := NewFiles(state)
	if text, err := f.Read(key, denied); err != nil || string(text) != "secret" {
		t.Errorf("what is kept is %q, %v", text, err)
	}
	if list := f.Kept(); !slices.Equal(list, []string{key}) {
		t.Errorf("%q are kept", list)
	}
	if list := f.Unseen(); len(list) > 0 {
		t.Errorf("%q cannot be looked at", list)
	}
	_, err := f.Read(filepath.Join(dir, "other"), denied)
	if !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), "the user somebody may not read it") {
		t.Errorf("what was never read: %v", err)
	}
	if err := os.WriteFile(key, []byte("another"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = f.Read(key, denied)
	if !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), key) || !strings.Contains(err.Error(), "has changed since AnyGate was started, and the user somebody") {
		t.Errorf("what has changed: %v", err)
	}
	if text, err := f.Read(key, direct); err != nil || string(text) != "another" {
		t.Errorf("what can be read is %q, %v", text, err)
	}
	if err := os.Remove(key); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Read(key, denied); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what is gone: %v", err)
	}
	f = NewFiles(&State{User: "somebody", Landlock: 1})
	if _, err := f.Read(filepath.Join(dir, "other"), denied); !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), Outside) {
		t.Errorf("what Landlock forbids: %v", err)
	}
	var none *Files
	if _, err := none.Read(key, denied); !errors.Is(err, unix.EACCES) {
		t.Errorf("without what is kept: %v", err)
	}
}

// TestRuleset enforces rules on a thread of its own, which ends with the test.
func TestRuleset(t *testing.T) {
	abi, missing := ABI()
	if abi == 0 {
		t.Fatal(missing)
	}
	dir := tree(t, "read/file", "write/file", "sockets/file", "none/file", "single")
	in := func(name string) string { return filepath.Join(dir, name) }
	var list Reaches
	list.Add(in("read"), Read)
	list.Add(in("write"), Write)
	list.Add(in("sockets"), Sockets)
	list.Add(in("single"), Read)
	for version := 1; version <= abi; version++ {
		type outcome struct {
			what string
			err  error
			ok   bool
		}
		var got []outcome
		done := make(chan error)
		go func() {
			runtime.LockOSThread() // and never unlocked, so that the thread ends with the goroutine
			rules, err := newRuleset(list, version)
			if err == nil {
				defer rules.close()
				err = unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
			}
			if err == nil {
				err = rules.enforce()
			}
			if err == nil {
				open := func(name string, flags int, ok bool) {
					fd, err := unix.Open(in(name), flags|unix.O_CLOEXEC, 0o600)
					if err == nil {
						_ = unix.Close(fd)
					}
					got = append(got, outcome{name, err, ok})
				}
				open("read/file", unix.O_RDONLY, true)
				open("read/file", unix.O_WRONLY, false)
				open("read/new", unix.O_WRONLY|unix.O_CREAT, false)
				open("write/file", unix.O_RDWR, true)
				open("write/new", unix.O_WRONLY|unix.O_CREAT, true)
				open("none/file", unix.O_RDONLY, false)
				open("sockets/file", unix.O_RDONLY, false)
				open("single", unix.O_RDONLY, true)
				got = append(
					got,
					outcome{"remove", unix.Unlink(in("write/new")), true},
					outcome{"remove elsewhere", unix.Unlink(in("read/file")), false},
					outcome{"make a socket", unix.Mknod(in("sockets/s"), unix.S_IFSOCK|0o600, 0), true},
					outcome{"remove it", unix.Unlink(in("sockets/s")), true},
					outcome{"make one elsewhere", unix.Mknod(in("read/s"), unix.S_IFSOCK|0o600, 0), false},
				)
				if version >= 3 {
					got = append(got, outcome{"truncate", unix.Truncate(in("write/file"), 0), true}, outcome{"truncate elsewhere", unix.Truncate(in("read/file"), 0), false})
				}
			}
			done <- err
		}()
		if err := <-done; err != nil {
			t.Fatalf("version %d: %v", version, err)
		}
		for _, o := range got {
			if (o.err == nil) != o.ok {
				t.Errorf("version %d: %s: %v, want it to go well: %t", version, o.what, o.err, o.ok)
			}
		}
	}
}
