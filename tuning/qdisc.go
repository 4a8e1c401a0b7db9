package tuning

import (
	"encoding/binary"
	"errors"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// trafficMessage is the length of a struct tcmsg; its interface stands at its second word.
const (
	trafficMessage   = 20
	trafficInterface = 4
)

// readQdiscs asks the kernel for the queueing disciplines of all interfaces, by rtnetlink(7): no file tells.
func readQdiscs() (map[string][]string, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	defer unix.Close(fd)
	request := make([]byte, unix.NLMSG_HDRLEN+trafficMessage)
	binary.NativeEndian.PutUint32(request[0:], uint32(len(request)))
	binary.NativeEndian.PutUint16(request[4:], unix.RTM_GETQDISC)
	binary.NativeEndian.PutUint16(request[6:], unix.NLM_F_REQUEST|unix.NLM_F_DUMP)
	if err := unix.Sendto(fd, request, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return nil, os.NewSyscallError("sendto", err)
	}
	names := make(map[int32]string)
	interfaces, err := net.Interfaces()
	if err != nil {
		return nil, err
	}
	for _, i := range interfaces {
		names[int32(i.Index)] = i.Name
	}
	out := make(map[string][]string)
	buffer := make([]byte, 64<<10)
	for {
		n, _, err := unix.Recvfrom(fd, buffer, 0)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return nil, os.NewSyscallError("recvfrom", err)
		}
		messages, err := syscall.ParseNetlinkMessage(buffer[:n])
		if err != nil {
			return nil, err
		}
		for _, m := range messages {
			switch m.Header.Type {
			case unix.NLMSG_DONE:
				return out, nil
			case unix.NLMSG_ERROR:
				return nil, errors.New("the kernel refuses to list queueing disciplines")
			}
			if index, kind, ok := parseQdisc(m.Data); ok && names[index] != "" {
				out[names[index]] = append(out[names[index]], kind)
			}
		}
	}
}

// parseQdisc reads the interface and the kind of a message. The ingress and clsact kinds hold filters and queue nothing.
func parseQdisc(b []byte) (index int32, kind string, ok bool) {
	if len(b) < trafficMessage {
		return 0, "", false
	}
	index = int32(binary.NativeEndian.Uint32(b[trafficInterface:]))
	for b = b[trafficMessage:]; len(b) >= unix.SizeofRtAttr; {
		length, attribute := int(binary.NativeEndian.Uint16(b)), binary.NativeEndian.Uint16(b[2:])
		if length < unix.SizeofRtAttr || length > len(b) {
			return 0, "", false
		}
		if attribute == unix.TCA_KIND {
			kind = unix.ByteSliceToString(b[unix.SizeofRtAttr:length])
			return index, kind, kind != "" && kind != "ingress" && kind != "clsact"
		}
		b = b[min((length+3)&^3, len(b)):]
	}
	return 0, "", false
}
