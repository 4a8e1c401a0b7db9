package static

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// mapSlice returns n zero values of a pointer-free type outside the Go heap: the
// garbage collector neither scans nor moves them, and pages are not committed before
// they are touched.
func mapSlice[T any](n int) ([]T, error) {
	var zero T
	p, err := unix.MmapPtr(-1, 0, nil, uintptr(n)*unsafe.Sizeof(zero), unix.PROT_READ|unix.PROT_WRITE,
		unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_NORESERVE)
	if err != nil {
		return nil, fmt.Errorf("static: map %d bytes: %w", uintptr(n)*unsafe.Sizeof(zero), err)
	}
	// SAFETY: the mapping is n*sizeof(T) bytes, page aligned, zeroed, and stays until
	// unmapSlice; T holds no Go pointers.
	return unsafe.Slice((*T)(p), n), nil
}

func unmapSlice[T any](s []T) {
	if cap(s) == 0 {
		return
	}
	var zero T
	_ = unix.MunmapPtr(unsafe.Pointer(unsafe.SliceData(s)), uintptr(cap(s))*unsafe.Sizeof(zero))
}

// bytesAt views n octets of off-heap memory.
func bytesAt(addr uintptr, n int) []byte {
	// SAFETY: addr lies in the store's mapping, which stays until all shards have
	// ended, never in the Go heap, so that forming the pointer hides nothing from
	// the garbage collector.
	return unsafe.Slice((*byte)(*(*unsafe.Pointer)(unsafe.Pointer(&addr))), n)
}

func addrOf(b []byte) uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(b))) }
