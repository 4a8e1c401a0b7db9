package control

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/anygate/anygate/control/privileges"
)

// handoverVariable is the variable of the environment by which a process hands over to the next one, or to the program that
// it executes to have fewer rights: the descriptor of memory with an inheritance in JSON. There may be more sockets than a
// variable has room for, and what was read of files is nobody else's to see.
const handoverVariable = "ANYGATE_HANDOVER"

// inheritance says which descriptors are what; 0 is none.
type inheritance struct {
	Sockets []handedSocket `json:"sockets,omitempty"`
	Control int            `json:"control,omitempty"` // the control socket
	Ready   int            `json:"ready,omitempty"`   // the pipe that takes the word that the next one serves
	// Out are members of upstreams that were taken out by command.
	Out []memberName `json:"out,omitempty"`
	// State is what was given up, nil for nothing.
	State *privileges.State `json:"state,omitempty"`
}

// handedSocket is a listening socket.
type handedSocket struct {
	FD  int    `json:"fd"`
	Key string `json:"key"`
	// Foreign says that a supervisor has opened it, which looks after its path in the file system.
	Foreign bool `json:"foreign,omitempty"`
}

// write put the inheritance into memory that nothing but its descriptor leads to, and that does not change any more.
func (given *inheritance) write() (fd int, err error) {
	text, err := json.Marshal(given)
	if err != nil {
		return -1, err
	}
	const flags = unix.MFD_CLOEXEC | unix.MFD_ALLOW_SEALING
	// Systems may insist that it cannot be executed (vm.memfd_noexec), which kernels before 6.3 cannot be told.
	if fd, err = unix.MemfdCreate("anygate-handover", flags|unix.MFD_NOEXEC_SEAL); err != nil {
		fd, err = unix.MemfdCreate("anygate-handover", flags)
	}
	if err != nil {
		return -1, os.NewSyscallError("memfd_create", err)
	}
	for len(text) > 0 {
		n, err := unix.Write(fd, text)
		if err != nil {
			_ = unix.Close(fd)
			return -1, os.NewSyscallError("write", err)
		}
		text = text[n:]
	}
	const seals = unix.F_SEAL_SEAL | unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_WRITE
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, seals); err != nil {
		_ = unix.Close(fd)
		return -1, os.NewSyscallError("fcntl", err)
	}
	return fd, nil
}

// handoverEnvironment is that of the program that finds a handover in a descriptor.
func handoverEnvironment(fd int) []string {
	env := slices.DeleteFunc(os.Environ(), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		return slices.Contains(supervised, name) || name == handoverVariable
	})
	return append(env, handoverVariable+"="+strconv.Itoa(fd))
}

// readHandover takes the handover that the environment names, nil if there is none.
func readHandover() (*inheritance, error) {
	text, ok := os.LookupEnv(handoverVariable)
	if !ok {
		return nil, nil
	}
	fd, err := strconv.Atoi(text)
	if err != nil || fd < firstPassed {
		return nil, fmt.Errorf("%s=%q names no descriptor", handoverVariable, text)
	}
	f := os.NewFile(uintptr(fd), "handover")
	if f == nil {
		return nil, errors.New("the descriptor is none")
	}
	defer f.Close()
	list, err := io.ReadAll(io.NewSectionReader(f, 0, maxHandover))
	if err != nil {
		return nil, err
	}
	given := &inheritance{}
	return given, json.Unmarshal(list, given)
}
