package uring

import (
	"fmt"
	"testing"

	"golang.org/x/sys/unix"
)

// BenchmarkNop measures the layer and the kernel's least per operation, by the number of operations of one system call.
func BenchmarkNop(b *testing.B) {
	for _, batch := range []int{1, 16, 256} {
		b.Run(fmt.Sprintf("batch=%d", batch), func(b *testing.B) {
			r := openRing(b, Options{})
			b.ReportAllocs()
			for i := 0; i < b.N; i += batch {
				for range batch {
					r.Next().Nop(1)
				}
				r.Submit()
				n := r.Ready()
				for i := range n {
					_ = r.CQE(i).Res
				}
				r.Advance(n)
			}
		})
	}
}

// BenchmarkReceive measures a message from a send to the recycled buffer of a multishot receive, one enter for each.
func BenchmarkReceive(b *testing.B) {
	r := openRing(b, Options{})
	p := newPool(b, r, 1, 256, 2048)
	pair := socketpair(b, unix.SOCK_STREAM)
	out := offHeap(b, 4096)
	r.Next().RecvMulti(pair[0], 1, 1)
	b.ReportAllocs()
	for b.Loop() {
		s := r.Next()
		s.Send(pair[1], address(out), 64, unix.MSG_WAITALL, 2)
		s.SkipSuccess()
		c := take(b, r)
		if c.Res != 64 || c.Flags&CQEFMore == 0 {
			b.Fatalf("completion %+v", c)
		}
		p.give(BufferID(c.Flags))
		p.Publish()
	}
}
