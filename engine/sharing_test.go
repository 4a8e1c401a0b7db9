package engine

import (
	"testing"
	"unsafe"

	"github.com/anygate/anygate/test/cacheline"
)

// TestShardsShareNoCacheLine: what a shard writes for every event lies on
// cache lines that no other shard's record of the same kind touches.
func TestShardsShareNoCacheLine(t *testing.T) {
	cacheline.Disjoint[Shard](t)
	cacheline.Disjoint[uringLoop](t)
	cacheline.Disjoint[epollLoop](t)
}

// TestInboxSidesShareNoCacheLine: senders count on tail, the shard on head and
// on what lies before it; asleep is written by both, but only around a sleep.
func TestInboxSidesShareNoCacheLine(t *testing.T) {
	var b inbox
	const line = cacheline.Size
	if d := unsafe.Offsetof(b.tail) - unsafe.Offsetof(b.head); d < line {
		t.Errorf("head and tail are %d bytes apart", d)
	}
	if d := unsafe.Offsetof(b.asleep) - unsafe.Offsetof(b.tail); d < line {
		t.Errorf("tail and asleep are %d bytes apart", d)
	}
}
