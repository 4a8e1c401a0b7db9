package tuning

import (
	"errors"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The structures of linux/ethtool.h, each of which begins with its command.

type ethtoolValue struct{ cmd, data uint32 }

type ethtoolRings struct {
	cmd, rxMax, rxMiniMax, rxJumboMax, txMax, rx, rxMini, rxJumbo, tx uint32
}

type ethtoolChannels struct {
	cmd, maxRX, maxTX, maxOther, maxCombined, rx, tx, other, combined uint32
}

type ethtoolCoalesce struct {
	cmd, rxUsecs uint32
	_            [8]uint32
	adaptiveRX   uint32
	_            [12]uint32
}

// ethtoolSets asks for the length of one set of strings.
type ethtoolSets struct {
	cmd, reserved uint32
	mask          uint64
	length        uint32
}

// maxFeatures bounds the names of features that are asked for; kernels have some sixty.
const maxFeatures = 256

const nameLength = 32 // ETH_GSTRING_LEN

type ethtoolStrings struct {
	cmd, set, length uint32
	names            [maxFeatures][nameLength]byte
}

type ethtoolFeatures struct {
	cmd, size uint32
	blocks    [maxFeatures / 32]struct{ available, requested, active, neverChanged uint32 }
}

// stringSetFeatures is ETH_SS_FEATURES, flagLRO is ETH_FLAG_LRO.
const (
	stringSetFeatures = 4
	flagLRO           = 1 << 15
)

// ethtoolRequest is a struct ifreq whose union is a pointer.
type ethtoolRequest struct {
	name [unix.IFNAMSIZ]byte
	data unsafe.Pointer
	_    [16]byte
}

// ethtool is a socket to ask drivers by.
type ethtool struct {
	fd   int
	name string
}

// ask has the kernel fill in a structure that begins with its command.
func (e ethtool) ask(data unsafe.Pointer) error {
	r := ethtoolRequest{data: data}
	copy(r.name[:unix.IFNAMSIZ-1], e.name)
	// SAFETY: the request and what it points to are alive until the call returns; the kernel keeps neither. Each structure is as long as
	// its command has the kernel write: the two of variable length are asked for no more than they hold.
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(e.fd), unix.SIOCETHTOOL, uintptr(unsafe.Pointer(&r)))
	runtime.KeepAlive(data)
	if errno != 0 {
		return errno
	}
	return nil
}

// readLink asks an interface's driver for all that rows are about. A driver that knows nothing of one thing may know others.
func readLink(name string) (Link, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return Link{}, err
	}
	defer unix.Close(fd)
	e := ethtool{fd, name}
	l := Link{Features: make(map[string]bool)}

	rings := ethtoolRings{cmd: unix.ETHTOOL_GRINGPARAM}
	err = e.ask(unsafe.Pointer(&rings))
	if err == nil {
		l.Rings = &Rings{RX: int(rings.rx), RXMax: int(rings.rxMax), TX: int(rings.tx), TXMax: int(rings.txMax)}
	} else if errors.Is(err, unix.ENODEV) {
		return Link{}, err
	}
	channels := ethtoolChannels{cmd: unix.ETHTOOL_GCHANNELS}
	if e.ask(unsafe.Pointer(&channels)) == nil {
		l.Channels = &Channels{
			Combined: int(channels.combined), CombinedMax: int(channels.maxCombined),
			RX: int(channels.rx), RXMax: int(channels.maxRX),
		}
	}
	coalesce := ethtoolCoalesce{cmd: unix.ETHTOOL_GCOALESCE}
	if e.ask(unsafe.Pointer(&coalesce)) == nil {
		l.Coalesce = &Coalesce{Adaptive: coalesce.adaptiveRX != 0, Usecs: int(coalesce.rxUsecs)}
	}
	for feature, cmd := range map[string]uint32{"gro": unix.ETHTOOL_GGRO, "gso": unix.ETHTOOL_GGSO, "tso": unix.ETHTOOL_GTSO} {
		v := ethtoolValue{cmd: cmd}
		if e.ask(unsafe.Pointer(&v)) == nil {
			l.Features[feature] = v.data != 0
		}
	}
	flags := ethtoolValue{cmd: unix.ETHTOOL_GFLAGS}
	if e.ask(unsafe.Pointer(&flags)) == nil {
		l.Features["lro"] = flags.data&flagLRO != 0
	}
	all := e.features()
	if f, known := all["tls-hw-tx-offload"]; known {
		l.Features["tls-hw-tx-offload"] = f.on
	}
	for feature, name := range map[string]string{"gro": "rx-gro", "gso": "tx-generic-segmentation", "tso": "tx-tcp-segmentation", "lro": "rx-lro"} {
		if f, known := all[name]; known && !f.changeable {
			l.Fixed = append(l.Fixed, feature)
		}
	}
	return l, nil
}

// feature is whether a feature is on, and whether the driver lets that be changed.
type feature struct{ on, changeable bool }

// features are those of the interface, by their names: they have no numbers that last.
func (e ethtool) features() map[string]feature {
	sets := ethtoolSets{cmd: unix.ETHTOOL_GSSET_INFO, mask: 1 << stringSetFeatures}
	if e.ask(unsafe.Pointer(&sets)) != nil || sets.length > maxFeatures {
		return nil
	}
	names := &ethtoolStrings{cmd: unix.ETHTOOL_GSTRINGS, set: stringSetFeatures, length: sets.length}
	if e.ask(unsafe.Pointer(names)) != nil {
		return nil
	}
	states := ethtoolFeatures{cmd: unix.ETHTOOL_GFEATURES, size: (sets.length + 31) / 32}
	if e.ask(unsafe.Pointer(&states)) != nil {
		return nil
	}
	out := make(map[string]feature)
	for i := range min(int(names.length), int(sets.length)) {
		block, bit := states.blocks[i/32], uint32(1)<<(i%32)
		out[unix.ByteSliceToString(names.names[i][:])] = feature{
			on: block.active&bit != 0, changeable: block.available&bit != 0 && block.neverChanged&bit == 0,
		}
	}
	return out
}
