package tlsedge

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// Kernel is what the kernel does of TLS (kTLS): it makes the records that are sent,
// of connections whose handshake and received records are dealt with here. A server
// has it when it is wanted, and FindKernel has found it.
type Kernel struct {
	sockets sockets
	makes   []*suite
}

// sockets are the system calls that Kernel takes; tests have their own.
type sockets interface {
	// attach has the kernel make what is sent on a connection from here on; info is
	// what linux/tls.h calls crypto_info.
	attach(fd int32, info []byte) error

	// next fills in the number of the next record that the kernel will make, where
	// info, of the length that attach had, holds it.
	next(fd int32, info []byte) error

	// taken is how many bytes an accepted connection has taken since it began, of
	// those that it has sent and those that it is to send. (Where a connection was
	// opened, the kernel counts the SYN as well.)
	taken(fd int32) (uint64, error)
}

// FindKernel finds out, with connections of the process with itself, of which cipher
// suites the kernel makes records. It is an error if there is none; what to do about
// it stands there.
func FindKernel() (*Kernel, error) { return findKernel(linuxSockets{}, loopback) }

func findKernel(calls sockets, connect func() (pair [2]int, err error)) (*Kernel, error) {
	k := &Kernel{sockets: calls}
	var why error
	for _, s := range suites {
		pair, err := connect()
		if err != nil {
			return nil, fmt.Errorf("looking for TLS in the kernel: %w", err)
		}
		var buf infoBuffer
		info := s.info(&buf, &half{})
		if err = calls.attach(int32(pair[0]), info); err == nil {
			// Older kernels count the records of AES-GCM only; without the number the
			// end of a connection could be cut off.
			err = calls.next(int32(pair[0]), info)
		}
		if err == nil {
			k.makes = append(k.makes, s)
		} else if why == nil {
			why = err
		}
		_ = unix.Close(pair[0])
		_ = unix.Close(pair[1])
	}
	switch {
	case len(k.makes) > 0:
		return k, nil
	case errors.Is(why, unix.ENOENT):
		return nil, errors.New("the kernel has no TLS: the module tls is not loaded, or the kernel was built without CONFIG_TLS; try modprobe tls, and have it loaded at boot")
	}
	return nil, fmt.Errorf("the kernel makes records of none of the cipher suites of TLS 1.3 (%w): it needs the modules of AES-GCM or ChaCha20-Poly1305; try modprobe gcm", why)
}

// Lacks names the cipher suites whose records the kernel does not make, separated by
// commas.
func (k *Kernel) Lacks() string {
	var names []string
	for _, s := range suites {
		if !slices.Contains(k.makes, s) {
			names = append(names, s.name)
		}
	}
	return strings.Join(names, ", ")
}

// infoBuffer has room for the longest crypto_info.
type infoBuffer [4 + 12 + maxKey + 8]byte

// info is the crypto_info of a direction: version, cipher, initialization vector, key,
// salt, and number of the next record. What is called salt there is the beginning of
// TLS 1.3's initialization vector, and in another place.
func (s *suite) info(buf *infoBuffer, h *half) []byte {
	b := binary.NativeEndian.AppendUint16(buf[:0], 0x0304)
	b = binary.NativeEndian.AppendUint16(b, s.kernel)
	b = append(b, h.nonce[s.salt:]...)
	b = append(b, h.key[:s.keyLen]...)
	b = append(b, h.nonce[:s.salt]...)
	return binary.BigEndian.AppendUint64(b, h.seq)
}

// number is that of the next record in a crypto_info.
func number(info []byte) uint64 { return binary.BigEndian.Uint64(info[len(info)-8:]) }
