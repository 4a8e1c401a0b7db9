package product

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// binaryVariable names a binary to test instead of one that is built from this tree.
const binaryVariable = "ANYGATE_TEST_BINARY"

// binary is the path of the binary under test, set by Build before any test runs.
var binary string

// Build builds cmd/anygate once for all tests. What it returns removes the result.
func Build() (remove func(), err error) {
	if given := os.Getenv(binaryVariable); given != "" {
		binary, err = filepath.Abs(given)
		if err == nil {
			_, err = os.Stat(binary)
		}
		return func() {}, err
	}
	dir, err := os.MkdirTemp("", "anygate-test-")
	if err != nil {
		return nil, err
	}
	remove = func() { _ = os.RemoveAll(dir) }
	// Some tests run it as another user.
	if err := os.Chmod(dir, 0o755); err != nil {
		return remove, err
	}
	path := filepath.Join(dir, "anygate")
	cmd := exec.Command("go", "build", "-o", path, "github.com/anygate/anygate/cmd/anygate")
	if out, err := cmd.CombinedOutput(); err != nil {
		remove()
		return nil, fmt.Errorf("building cmd/anygate: %w\n%s", err, out)
	}
	binary = path
	return remove, nil
}

// Binary is the path of the binary under test.
func Binary() string { return binary }

// Engine is how the product talks to the kernel, by its name in the configuration.
type Engine string

// The engines.
const (
	IOUring Engine = "io_uring"
	Epoll   Engine = "epoll"
)

// engineVariable lists the engines to test, separated by commas.
const engineVariable = "ANYGATE_TEST_ENGINES"

// Engines are those to test: both, unless the environment says otherwise. A kernel without io_uring is no reason to
// leave it out, as a green run would then say less than it seems to; whoever means that says so.
func Engines() ([]Engine, error) {
	list := os.Getenv(engineVariable)
	if list == "" {
		return []Engine{IOUring, Epoll}, nil
	}
	var engines []Engine
	for name := range strings.SplitSeq(list, ",") {
		switch e := Engine(strings.TrimSpace(name)); e {
		case IOUring, Epoll:
			engines = append(engines, e)
		default:
			return nil, fmt.Errorf("%s: %q is neither %s nor %s", engineVariable, name, IOUring, Epoll)
		}
	}
	return engines, nil
}
