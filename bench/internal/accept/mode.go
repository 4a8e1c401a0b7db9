package accept

import (
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"

	"github.com/anygate/anygate/engine"
)

// Mode is a way to spread connections.
type Mode string

// The modes.
const (
	// Hash is SO_REUSEPORT as it is: the kernel hashes both addresses.
	Hash Mode = "hash"
	// Random has a classic BPF program on the group draw a number.
	Random Mode = "random"
	// CPU has it take the number of the processor that handles the packet.
	CPU Mode = "cpu"
	// Shared is one socket, of which every shard has a descriptor.
	Shared Mode = "shared"
)

// Modes are all of them, the product's first.
func Modes() []Mode { return []Mode{Hash, Random, CPU, Shared} }

// About says what a mode is.
func (m Mode) About() string {
	switch m {
	case Hash:
		return "SO_REUSEPORT, chosen by a hash of the addresses"
	case Random:
		return "SO_REUSEPORT, chosen at random by a classic BPF program"
	case CPU:
		return "SO_REUSEPORT, chosen by the processor of the packet"
	default:
		return "one socket, every shard accepts from it"
	}
}

// listen opens one descriptor for each shard.
func (m Mode) listen(address netip.AddrPort, shards int) ([]int32, error) {
	fds := make([]int32, shards)
	for i := range fds {
		var err error
		if i > 0 && m == Shared {
			fds[i], err = engine.Duplicate(fds[0])
		} else {
			fds[i], err = engine.Listen(address)
		}
		if err != nil {
			return nil, err
		}
		if err := engine.DeferAccept(fds[i]); err != nil {
			return nil, err
		}
	}
	var source uint32
	switch m {
	case Random:
		source = ancillaryRandom
	case CPU:
		source = ancillaryCPU
	default:
		return fds, nil
	}
	return fds, attach(fds[0], source, uint32(shards))
}

// Offsets at which a load instruction of classic BPF finds no byte of the packet but something about it
// (linux/filter.h: SKF_AD_OFF and what is added to it). The compiler takes them as uint32, as the kernel does.
const (
	ancillary       = 1<<32 - 0x1000
	ancillaryCPU    = ancillary + 36
	ancillaryRandom = ancillary + 56
)

// attach gives the group of sockets that fd belongs to a program: the number at source, modulo shards, is the place of
// the socket in the order in which they were bound.
func attach(fd int32, source, shards uint32) error {
	program := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: source},
		{Code: unix.BPF_ALU | unix.BPF_MOD | unix.BPF_K, K: shards},
		{Code: unix.BPF_RET | unix.BPF_A},
	}
	filter := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	if err := unix.SetsockoptSockFprog(int(fd), unix.SOL_SOCKET, unix.SO_ATTACH_REUSEPORT_CBPF, &filter); err != nil {
		return fmt.Errorf("attach a program to the listening sockets: %w", err)
	}
	return nil
}
