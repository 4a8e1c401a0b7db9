package accept

import (
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/anygate/anygate/engine"
)

// TestListen opens the sockets of every mode: as many as there are shards, all on one port.
func TestListen(t *testing.T) {
	for _, mode := range Modes() {
		t.Run(string(mode), func(t *testing.T) {
			// The first socket settles the port of the others.
			first, err := engine.Listen(netip.MustParseAddrPort("127.0.0.1:0"))
			if err != nil {
				t.Fatal(err)
			}
			address, err := engine.LocalAddr(first)
			if err != nil {
				t.Fatal(err)
			}
			if err := unix.Close(int(first)); err != nil {
				t.Fatal(err)
			}
			fds, err := mode.listen(address, 4)
			if err != nil {
				t.Fatal(err)
			}
			for _, fd := range fds {
				if bound, err := engine.LocalAddr(fd); err != nil || bound != address {
					t.Errorf("descriptor %d is bound to %v, want %v (%v)", fd, bound, address, err)
				}
				if err := unix.Close(int(fd)); err != nil {
					t.Error(err)
				}
			}
			if len(fds) != 4 || mode.About() == "" {
				t.Errorf("%d descriptors for 4 shards, %q", len(fds), mode.About())
			}
		})
	}
}
