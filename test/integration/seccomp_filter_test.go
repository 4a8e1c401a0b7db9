package integration

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// profile is a seccomp profile as container runtimes read it.
type profile struct {
	DefaultAction string `json:"defaultAction"`
	ArchMap       []struct {
		Architecture string `json:"architecture"`
	} `json:"archMap"`
	Syscalls []profileRule `json:"syscalls"`
}

type profileRule struct {
	Names    []string     `json:"names"`
	Action   string       `json:"action"`
	ErrnoRet uint32       `json:"errnoRet"`
	Args     []profileArg `json:"args"`
}

// profileArg compares an argument. With SCMP_CMP_MASKED_EQ the value is the mask.
type profileArg struct {
	Index    uint32 `json:"index"`
	Value    uint64 `json:"value"`
	ValueTwo uint64 `json:"valueTwo"`
	Op       string `json:"op"`
}

func readProfile(t testing.TB) *profile {
	t.Helper()
	text, err := os.ReadFile("../../deploy/seccomp.json")
	if err != nil {
		t.Fatal(err)
	}
	p := &profile{}
	if err := json.Unmarshal(text, p); err != nil {
		t.Fatal(err)
	}
	return p
}

var numbered = regexp.MustCompile(`(?m)^\s+SYS_(\w+)\s+= (\d+)$`)

// systemCalls are the numbers of system calls on an architecture, from the source of golang.org/x/sys.
func systemCalls(t testing.TB, arch string) map[string]uint32 {
	t.Helper()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "golang.org/x/sys").Output()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), "unix", "zsysnum_linux_"+arch+".go"))
	if err != nil {
		t.Fatal(err)
	}
	table := make(map[string]uint32)
	for _, m := range numbered.FindAllStringSubmatch(string(text), -1) {
		n, err := strconv.ParseUint(m[2], 10, 32)
		if err != nil {
			t.Fatal(err)
		}
		table[strings.ToLower(m[1])] = uint32(n)
	}
	return table
}

// auditArch is how the kernel calls the architecture of this program.
var auditArch = map[string]uint32{"amd64": unix.AUDIT_ARCH_X86_64, "arm64": unix.AUDIT_ARCH_AARCH64}[runtime.GOARCH]

// The offsets in struct seccomp_data, and of the halves of an argument there. Both architectures are little-endian.
const (
	offsetNumber = 0
	offsetArch   = 4
	offsetArgs   = 16
)

// assemble makes the program of a profile for the kernel. What the profile leaves out ends in the action otherwise.
func assemble(t testing.TB, p *profile, otherwise uint32) []unix.SockFilter {
	t.Helper()
	load := func(offset uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: offset}
	}
	ret := func(action uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: action}
	}
	equal := func(value uint32, elseSkip int) unix.SockFilter {
		if elseSkip > 255 {
			t.Fatal("a jump is too long")
		}
		return unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: value, Jf: uint8(elseSkip)}
	}
	table := systemCalls(t, runtime.GOARCH)
	ours := equal(auditArch, 0)
	ours.Jt = 1
	filter := []unix.SockFilter{load(offsetArch), ours, ret(unix.SECCOMP_RET_KILL_PROCESS), load(offsetNumber)}
	for _, r := range p.Syscalls {
		action := uint32(unix.SECCOMP_RET_ALLOW)
		switch r.Action {
		case "SCMP_ACT_ALLOW":
		case "SCMP_ACT_ERRNO":
			action = unix.SECCOMP_RET_ERRNO | r.ErrnoRet
		default:
			t.Fatalf("the action %q is not translated", r.Action)
		}
		var compare []unix.SockFilter
		for _, a := range r.Args {
			mask, value := ^uint64(0), a.Value
			switch a.Op {
			case "SCMP_CMP_EQ":
			case "SCMP_CMP_MASKED_EQ":
				mask, value = a.Value, a.ValueTwo
			default:
				t.Fatalf("the comparison %q is not translated", a.Op)
			}
			for half := range uint32(2) {
				compare = append(compare, load(offsetArgs+8*a.Index+4*half),
					unix.SockFilter{Code: unix.BPF_ALU | unix.BPF_AND | unix.BPF_K, K: uint32(mask >> (32 * half))},
					equal(uint32(value>>(32*half)), 0))
			}
		}
		for i := 2; i < len(compare); i += 3 {
			compare[i].Jf = uint8(len(compare) - i) // to where the number is loaded again
		}
		for _, name := range r.Names {
			number, known := table[name]
			if !known {
				continue // on the other architecture
			}
			if compare == nil {
				filter = append(filter, equal(number, 1), ret(action))
				continue
			}
			filter = append(filter, equal(number, len(compare)+2))
			filter = append(append(filter, compare...), ret(action), load(offsetNumber))
		}
	}
	return append(filter, ret(otherwise))
}

// filterCommand makes the test binary a wrapper that installs a filter, which it reads from a file, and then becomes the
// program named behind that.
const filterCommand = "install-seccomp-filter"

// filtering is a wrapper for product.Command.
func filtering(t testing.TB, filter []unix.SockFilter) []string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var raw []byte
	for _, f := range filter {
		raw = binary.NativeEndian.AppendUint16(raw, f.Code)
		raw = binary.NativeEndian.AppendUint32(append(raw, f.Jt, f.Jf), f.K)
	}
	_, path := write(t, "filter", string(raw))
	return []string{self, filterCommand, path}
}

// installFilter installs a filter, and executes a program under it.
func installFilter(args []string) {
	fail := func(what string, err error) {
		fmt.Fprintf(os.Stderr, "%s: %s: %v\n", filterCommand, what, err)
		os.Exit(3)
	}
	raw, err := os.ReadFile(args[0])
	if err != nil {
		fail("reading", err)
	}
	var filter []unix.SockFilter
	for ; len(raw) >= 8; raw = raw[8:] {
		filter = append(filter, unix.SockFilter{
			Code: binary.NativeEndian.Uint16(raw), Jt: raw[2], Jf: raw[3], K: binary.NativeEndian.Uint32(raw[4:]),
		})
	}
	runtime.LockOSThread()
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	// Root may do without no_new_privs, as runtimes of containers do, so that it is the product that has to set it.
	// SAFETY: the kernel copies the program before prctl returns; program and filter live until then.
	if err := unix.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&program)), 0, 0); err != nil {
		fail("seccomp", err)
	}
	runtime.KeepAlive(filter)
	fail("execve", syscall.Exec(args[1], args[1:], os.Environ()))
}
