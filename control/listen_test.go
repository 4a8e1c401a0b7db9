package control

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/anygate/anygate/config"
	"github.com/anygate/anygate/engine"
)

func open(t *testing.T, shards int, listeners ...config.Listener) *sockets {
	t.Helper()
	s, err := openSockets(listeners, shards, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.close)
	return s
}

func tcp(addr string) config.Listener { return config.Listener{Network: "tcp", Addr: addr} }

func TestOpenSockets(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.sock")
	s := open(t, 3, tcp("127.0.0.1:0"), config.Listener{Network: "unix", Addr: path}, tcp(":0"))
	names := s.names()
	for i, e := range s.list {
		if e.id != i {
			t.Errorf("listener %d has the id %d", i, e.id)
		}
		for shard, fds := range e.fds {
			if len(fds) != 1 {
				t.Fatalf("listener %d has %d sockets for shard %d", i, len(fds), shard)
			}
			if ap, err := engine.LocalAddr(fds[0]); i == 0 && (err != nil || ap.String() != names[0]) {
				t.Errorf("shard %d listens on %v, %v, want %s", shard, ap, err, names[0])
			}
		}
	}
	if !strings.HasPrefix(names[0], "127.0.0.1:") || names[1] != "unix:"+path || names[2][0] != ':' {
		t.Errorf("the addresses are %q", names)
	}
	for i, network := range []string{"tcp", "unix", "tcp"} {
		c, err := net.Dial(network, strings.TrimPrefix(names[i], "unix:"))
		if err != nil {
			t.Error(err)
			continue
		}
		c.Close()
	}
	s.close()
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the unix socket is left behind: %v", err)
	}
}

// TestListenEveryFamily connects over IPv4 and, where the machine has it, IPv6.
func TestListenEveryFamily(t *testing.T) {
	s := open(t, 1, tcp(":0"))
	ap, err := engine.LocalAddr(s.list[0].fds[0][0])
	if err != nil {
		t.Fatal(err)
	}
	ips := []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1})}
	if ap.Addr().Is6() {
		ips = append(ips, netip.IPv6Loopback())
	}
	for _, ip := range ips {
		c, err := net.Dial("tcp", netip.AddrPortFrom(ip, ap.Port()).String())
		if err != nil {
			t.Error(err)
			continue
		}
		c.Close()
	}
}

func TestListenWhereAnotherDoes(t *testing.T) {
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	// Another AnyGate shares its port with whoever may, so that the kernel alone would not object.
	shared := open(t, 2, tcp("127.0.0.1:0"))
	for name, addr := range map[string]string{"ordinary": plain.Addr().String(), "AnyGate": shared.names()[0]} {
		t.Run(name, func(t *testing.T) {
			l := tcp(addr)
			l.Pos = config.Pos{File: "test.yml", Line: 3, Col: 5}
			_, err := openSockets([]config.Listener{tcp("127.0.0.1:0"), l}, 2, nil)
			if err == nil {
				t.Fatal("two processes listen on one address")
			}
			wantIn(t, err.Error(), "test.yml:3:5:", "cannot listen on "+addr, "another process does already")
			_, port, _ := strings.Cut(addr, ":")
			if _, err := openSockets([]config.Listener{tcp(":" + port)}, 1, nil); err == nil {
				t.Error("every address is free although one is not")
			}
		})
	}
}

func TestListenOnUnixSocketOfAnother(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.sock")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, err = openSockets([]config.Listener{{Network: "unix", Addr: path}}, 1, nil)
	if err == nil {
		t.Fatal("two processes listen on one socket")
	}
	wantIn(t, err.Error(), "another process answers there")
	c, err := net.Dial("unix", path)
	if err != nil {
		t.Fatalf("the other process lost its socket: %v", err)
	}
	c.Close()
}

// TestListenKeepsWhatIsNoSocket wants to listen where something else is, which must be there afterwards.
func TestListenKeepsWhatIsNoSocket(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "file", "data")
	write(t, dir, "directory/file", "data")
	stale := filepath.Join(dir, "stale.sock")
	abandon(t, stale)
	for name, target := range map[string]string{"link": "file", "link-to-socket": "stale.sock", "dangling": "none"} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"file", "directory", "link", "link-to-socket", "dangling"} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(dir, name)
			before, err := os.Lstat(path)
			if err != nil {
				t.Fatal(err)
			}
			s, err := openSockets([]config.Listener{{Network: "unix", Addr: path}}, 1, nil)
			if err == nil {
				s.close()
				t.Error("it is listened on")
			} else {
				wantIn(t, err.Error(), "cannot listen on "+path, "a file that is no socket is in the way")
			}
			if after, err := os.Lstat(path); err != nil || !os.SameFile(before, after) {
				t.Errorf("it was replaced or removed: %v", err)
			}
		})
	}
	if text, err := os.ReadFile(filepath.Join(dir, "file")); err != nil || string(text) != "data" {
		t.Errorf("the file has %q, %v", text, err)
	}
}

// TestListenReplacesAnAbandonedSocket starts where a process was killed.
func TestListenReplacesAnAbandonedSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.sock")
	abandon(t, path)
	open(t, 1, config.Listener{Network: "unix", Addr: path})
	c, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
}

// abandon leaves a socket behind that nobody listens on.
func abandon(t *testing.T, path string) {
	t.Helper()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
}

// TestUnlinkOnlyWhatWasBound puts other things in the place of a socket before it is closed.
func TestUnlinkOnlyWhatWasBound(t *testing.T) {
	replace := map[string]func(t *testing.T, path string){
		"a file":                func(t *testing.T, path string) { write(t, filepath.Dir(path), filepath.Base(path), "data") },
		"the socket of another": abandon,
	}
	for name, put := range replace {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "s.sock")
			s := open(t, 1, config.Listener{Network: "unix", Addr: path})
			// Renamed and not removed, so that its inode is not given to what comes next.
			if err := os.Rename(path, path+".moved"); err != nil {
				t.Fatal(err)
			}
			put(t, path)
			s.close()
			if _, err := os.Lstat(path); err != nil {
				t.Errorf("it was removed: %v", err)
			}
		})
	}
}

func TestExplainListen(t *testing.T) {
	tests := []struct {
		addr string
		err  error
		want string
	}{
		{":80", syscall.EACCES, "CAP_NET_BIND_SERVICE"},
		{"192.0.2.1:443", syscall.EACCES, "CAP_NET_BIND_SERVICE"},
		{":8080", syscall.EACCES, "not permitted"},
		{"/run/x.sock", syscall.EACCES, "not permitted"},
		{"192.0.2.1:80", syscall.EADDRNOTAVAIL, "no interface"},
		{":80", syscall.EMFILE, "LimitNOFILE"},
		{"/no/x.sock", syscall.ENOENT, "the directory does not exist"},
		{"/run/x.sock", syscall.EADDRINUSE, "another process answers there"},
		{":80", syscall.EIO, "input/output error"},
	}
	for _, tt := range tests {
		got := explainListen(tt.addr, os.NewSyscallError("bind", tt.err)).Error()
		if !strings.Contains(got, tt.want) || !strings.HasPrefix(got, "cannot listen on "+tt.addr+": ") {
			t.Errorf("%s, %v: %q does not say %q", tt.addr, tt.err, got, tt.want)
		}
	}
}

// TestListenLeavesNothingOpen fails at the last of several addresses, and looks for descriptors.
func TestListenLeavesNothingOpen(t *testing.T) {
	// What other tests have left may be closed meanwhile: of descriptors it is those that are new that count.
	open := func() map[string]bool {
		list, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		names := make(map[string]bool)
		for _, e := range list {
			if to, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil {
				names[e.Name()+" "+to] = true
			}
		}
		return names
	}
	before := open()
	dir := t.TempDir()
	path := filepath.Join(dir, "s.sock")
	_, err := openSockets([]config.Listener{tcp("127.0.0.1:0"), {Network: "unix", Addr: path}, {Network: "unix", Addr: dir + "/no/s.sock"}}, 4, nil)
	if err == nil {
		t.Fatal("a socket in no directory")
	}
	for name := range open() {
		if !before[name] {
			t.Errorf("descriptor %s is left open", name)
		}
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the other unix socket is left behind: %v", err)
	}
}
