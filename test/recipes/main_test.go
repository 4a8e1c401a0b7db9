package recipes

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/anygate/anygate/test/internal/product"
)

// insideVariable is set in the process that has a network of its own.
const insideVariable = "ANYGATE_TEST_RECIPES_INSIDE"

func TestMain(m *testing.M) {
	if os.Getenv(insideVariable) == "" {
		os.Exit(outside())
	}
	if err := prepare(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	os.Exit(m.Run())
}

// outside builds the product, and runs this program again in namespaces of its own.
func outside() int {
	remove, err := product.Build()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	defer remove()
	self, err := os.Executable()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	cmd := exec.Command(self, os.Args[1:]...)
	cmd.Env = append(os.Environ(), insideVariable+"=1", "ANYGATE_TEST_BINARY="+product.Binary())
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Run(); err != nil {
		if cmd.ProcessState == nil {
			fmt.Fprintln(os.Stderr, "a network of its own cannot be made; the tests need root:", err)
			return 2
		}
		return max(1, cmd.ProcessState.ExitCode())
	}
	return 0
}

// origins are the addresses at which test servers stand.
var origins = []string{"10.0.0.1:8080", "10.0.0.2:8080", "10.0.0.3:8080", "127.0.0.1:3000"}

// prepare brings the network up, and starts the servers.
func prepare() error {
	for _, args := range [][]string{
		{"link", "set", "lo", "up"},
		{"addr", "add", "10.0.0.1/32", "dev", "lo"},
		{"addr", "add", "10.0.0.2/32", "dev", "lo"},
		{"addr", "add", "10.0.0.3/32", "dev", "lo"},
	} {
		if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
			return fmt.Errorf("ip %v: %w\n%s", args, err, out)
		}
	}
	for _, addr := range origins {
		if err := serve(addr); err != nil {
			return err
		}
	}
	if _, err := product.Build(); err != nil {
		return err
	}
	// What a page calls "anygate" is the binary under test.
	dir, err := os.MkdirTemp("", "anygate-path-")
	if err != nil {
		return err
	}
	return firstInPath(dir)
}

func firstInPath(dir string) error {
	if err := os.Symlink(product.Binary(), filepath.Join(dir, "anygate")); err != nil {
		return err
	}
	return os.Setenv("PATH", dir+":"+os.Getenv("PATH")+":/usr/sbin:/sbin")
}
