package offheap

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Slice returns n zero values of a type without Go pointers. An error is the kernel's: there is no room for the mapping.
func Slice[T any](n int) ([]T, error) {
	var zero T
	size := uintptr(n) * unsafe.Sizeof(zero)
	p, err := unix.MmapPtr(-1, 0, nil, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_NORESERVE)
	if err != nil {
		return nil, fmt.Errorf("map %d bytes of memory: %w", size, err)
	}
	// SAFETY: the mapping is n*sizeof(T) bytes, page aligned, zeroed, and stays until Unmap; T holds no Go pointers.
	return unsafe.Slice((*T)(p), n), nil
}

// Unmap gives back what Slice has returned. It does nothing to a nil slice.
func Unmap[T any](s []T) {
	if cap(s) == 0 {
		return
	}
	var zero T
	_ = unix.MunmapPtr(unsafe.Pointer(unsafe.SliceData(s)), uintptr(cap(s))*unsafe.Sizeof(zero))
}

// Bytes views n bytes of memory that lies in no Go heap, and stays as long as the view is used.
func Bytes(addr uintptr, n int) []byte {
	// SAFETY: addr lies in a mapping of the caller (or in memory whose owner was promised to keep it until it is told), never in
	// the Go heap, so that forming the pointer hides nothing from the garbage collector.
	return unsafe.Slice((*byte)(*(*unsafe.Pointer)(unsafe.Pointer(&addr))), n)
}

// Addr is the address of the first byte of b.
func Addr(b []byte) uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(b))) }
