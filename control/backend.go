package control

import (
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/anygate/anygate/engine"
	"github.com/anygate/anygate/uring"
)

// Backend is the engine that a process on this kernel runs on, and why.
type Backend struct {
	Kind engine.Kind
	// Features describes the kernel's io_uring when it is used.
	Features string
	// Cause and Cure say why io_uring is not used, and what to do about it. Both are empty when it is, and when the
	// configuration asks for epoll.
	Cause, Cure string
}

// ChooseBackend follows the setting server.engine: "io_uring" insists on it, "epoll" asks nothing of the kernel, and
// "auto" takes io_uring where everything that the engine needs of it works.
func ChooseBackend(setting string) (Backend, error) {
	if setting == "epoll" {
		return Backend{Kind: engine.Epoll}, nil
	}
	features, err := uring.Probe()
	if err == nil {
		err = features.Err()
	}
	if err == nil {
		return Backend{Kind: engine.IOUring, Features: features.String()}, nil
	}
	cause, cure := uring.Explain(err)
	if setting == "io_uring" {
		return Backend{}, fmt.Errorf("server.engine is io_uring, but it cannot be used: %s; %s", cause, cure)
	}
	return Backend{Kind: engine.Epoll, Cause: cause, Cure: cure}, nil
}

// Kernel is the release of the running kernel.
func Kernel() string {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return "unknown"
	}
	return unix.ByteSliceToString(u.Release[:])
}
