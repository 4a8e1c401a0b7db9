package engine

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// mapMemory returns n bytes of zeroed private memory outside the Go heap.
// Pages are not committed before they are touched.
func mapMemory(n uintptr) (unsafe.Pointer, error) {
	p, err := unix.MmapPtr(-1, 0, nil, n, unix.PROT_READ|unix.PROT_WRITE,
		unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_NORESERVE)
	if err != nil {
		return nil, fmt.Errorf("engine: map %d bytes: %w", n, err)
	}
	return p, nil
}

// mapSlice returns a slice of n zero values of a pointer-free type, outside
// the Go heap: the garbage collector neither scans nor moves it.
func mapSlice[T any](n int) ([]T, error) {
	var zero T
	p, err := mapMemory(uintptr(n) * unsafe.Sizeof(zero))
	if err != nil {
		return nil, err
	}
	// SAFETY: the mapping is n*sizeof(T) bytes, page aligned, zeroed, and
	// stays until unmapSlice; T holds no Go pointers.
	return unsafe.Slice((*T)(p), n), nil
}

func unmapSlice[T any](s []T) {
	if cap(s) == 0 {
		return
	}
	var zero T
	_ = unix.MunmapPtr(unsafe.Pointer(unsafe.SliceData(s)), uintptr(cap(s))*unsafe.Sizeof(zero))
}

// bytesAt views n bytes of off-heap memory.
func bytesAt(addr uintptr, n int) []byte {
	// SAFETY: addr lies in a mapping of this shard (or in memory whose owner
	// was promised to keep it until its release token comes back), never in
	// the Go heap, so that forming the pointer hides nothing from the GC.
	return unsafe.Slice((*byte)(*(*unsafe.Pointer)(unsafe.Pointer(&addr))), n)
}

// addrOf is the address of the first byte of b.
func addrOf(b []byte) uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(b))) }
