package uring_test

import (
	"fmt"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/anygate/anygate/uring"
)

// One turn of a loop after another: queue, submit, wait if there is nothing yet, walk through what has completed, and give
// buffers and completions back. Error handling is left out.
func Example() {
	runtime.LockOSThread()
	ring, _ := uring.Open(uring.Options{Entries: 64})
	defer ring.Close()

	const group, count, size, fromPeer = 1, 4, 64, 42
	memory, _ := unix.Mmap(-1, 0, count*size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	buffers, _ := ring.NewBufRing(group, count)
	defer buffers.Close()
	offer := func(id uint16) { buffers.Add(uintptr(unsafe.Pointer(&memory[int(id)*size])), size, id) }
	for id := range uint16(count) {
		offer(id)
	}
	buffers.Publish()

	pair, _ := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	ring.Next().RecvMulti(int32(pair[0]), group, fromPeer)
	for _, word := range []string{"one receive", "many messages"} {
		unix.Write(pair[1], []byte(word))
		ring.Submit()
		for ring.Ready() == 0 {
			ring.SubmitAndWait(-1)
		}
		n := ring.Ready()
		for i := range n {
			c := ring.CQE(i)
			if c.UserData == fromPeer && c.Res > 0 {
				id := uring.BufferID(c.Flags)
				fmt.Printf("%s, still armed: %t\n", memory[int(id)*size:][:c.Res], c.Flags&uring.CQEFMore != 0)
				offer(id)
			}
		}
		ring.Advance(n)
		buffers.Publish()
	}
	// Output:
	// one receive, still armed: true
	// many messages, still armed: true
}
