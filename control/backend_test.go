package control

import (
	"testing"

	"github.com/anygate/anygate/engine"
	"github.com/anygate/anygate/uring"
)

// TestChooseBackend holds on kernels with and without io_uring: what is expected follows from what the kernel can do.
func TestChooseBackend(t *testing.T) {
	features, err := uring.Probe()
	if err == nil {
		err = features.Err()
	}
	epoll, e := ChooseBackend("epoll")
	if e != nil || epoll != (Backend{Kind: engine.Epoll}) {
		t.Errorf("epoll: %+v, %v", epoll, e)
	}
	auto, e := ChooseBackend("auto")
	if e != nil {
		t.Fatal(e)
	}
	forced, e := ChooseBackend("io_uring")
	if err == nil {
		if e != nil || auto.Kind != engine.IOUring || forced.Kind != engine.IOUring || auto.Cause != "" || auto.Features == "" {
			t.Errorf("the kernel has io_uring, but auto is %+v and io_uring %+v, %v", auto, forced, e)
		}
		return
	}
	if e == nil || auto.Kind != engine.Epoll || auto.Cause == "" || auto.Cure == "" {
		t.Errorf("the kernel lacks io_uring (%v), but auto is %+v and io_uring %+v, %v", err, auto, forced, e)
	}
}
