package uring

import (
	"fmt"
	"os"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// MaxBuffers is the largest number of entries the kernel takes in one buffer ring.
const MaxBuffers = 1 << 15

const bufEntrySize = unsafe.Sizeof(bufEntry{})

// BufRing is a ring of provided buffers: the kernel takes one when bytes have arrived, and names it in the completion. The
// memory of the buffers is the caller's; the ring holds addresses only.
type BufRing struct {
	ring    *Ring
	entries unsafe.Pointer
	mask    uint32
	tail    uint32 // Entries added; its low 16 bits are what the kernel sees.
	first   uint16 // Buffer id in slot 0, which shares a word with the tail.
	group   uint16

	_ [64]byte // As in Ring.
}

// NewBufRing registers an empty ring of buffers as the given group. entries is a power of two up to MaxBuffers.
func (r *Ring) NewBufRing(group uint16, entries uint32) (*BufRing, error) {
	if entries == 0 || entries > MaxBuffers || entries&(entries-1) != 0 {
		return nil, fmt.Errorf("uring: %d buffers in a ring: want a power of two from 1 to %d", entries, MaxBuffers)
	}
	mem, err := unix.MmapPtr(-1, 0, nil, uintptr(entries)*bufEntrySize,
		unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON|unix.MAP_POPULATE)
	if err != nil {
		return nil, fmt.Errorf("mapping a ring of %d buffers: %w", entries, err)
	}
	reg := bufReg{ringAddr: uint64(uintptr(mem)), ringEntries: entries, bgid: group}
	if _, errno := r.register(registerPbufRing, unsafe.Pointer(&reg), 1); errno != 0 {
		_ = unix.MunmapPtr(mem, uintptr(entries)*bufEntrySize)
		return nil, os.NewSyscallError("io_uring_register(PBUF_RING)", errno)
	}
	return &BufRing{ring: r, entries: mem, mask: entries - 1, group: group}, nil
}

// Group returns the number receives name the ring by.
func (b *BufRing) Group() uint16 { return b.group }

// Entries returns how many buffers the ring holds at most.
func (b *BufRing) Entries() uint32 { return b.mask + 1 }

// Add offers a buffer of n bytes to the kernel, which sees it after Publish. No more buffers than Entries may be with
// the kernel at a time: the ring would overwrite the oldest. The memory stays mapped until the ring is closed.
func (b *BufRing) Add(addr uintptr, n uint32, id uint16) {
	slot := b.tail & b.mask
	// SAFETY: the index is masked to the size of the mapping, which lives until Close.
	e := (*bufEntry)(unsafe.Add(b.entries, uintptr(slot)*bufEntrySize))
	e.addr = uint64(addr)
	e.len = n
	if slot == 0 {
		// Publish stores this id together with the tail; until then the kernel does not look at the slot.
		b.first = id
	} else {
		e.bid = id
	}
	b.tail++
}

// Publish makes the buffers added so far visible to the kernel.
func (b *BufRing) Publish() {
	// The tail has 16 bits, for which there is no atomic store. It shares an aligned word with the buffer id of slot 0,
	// which only this side writes, so both are stored as one, low half first as on every little-endian machine. The store
	// orders the entries before the tail.
	// SAFETY: the word lies in entry 0 of the mapping, at an offset that is a multiple of four.
	word := (*uint32)(unsafe.Add(b.entries, unsafe.Offsetof(bufEntry{}.bid)))
	atomic.StoreUint32(word, uint32(b.first)|b.tail<<16)
}

// Close takes the group back from the kernel and frees the ring's memory. No receive may be armed on the group. A second
// call does nothing.
func (b *BufRing) Close() error {
	if b.entries == nil {
		return nil
	}
	var first error
	// A closed ring has dropped the registration already, and its descriptor may by now be another file's.
	if b.ring.fd >= 0 {
		reg := bufReg{bgid: b.group}
		if _, errno := b.ring.register(unregisterPbufRing, unsafe.Pointer(&reg), 1); errno != 0 {
			first = os.NewSyscallError("io_uring_register(UNREGISTER_PBUF_RING)", errno)
		}
	}
	if err := unix.MunmapPtr(b.entries, uintptr(b.mask+1)*bufEntrySize); err != nil && first == nil {
		first = err
	}
	b.entries = nil
	return first
}
