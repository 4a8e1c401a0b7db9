// Package cacheline checks that records of different shards cannot lie on the same cache line, by looking at where the
// allocator puts them.
package cacheline

import (
	"reflect"
	"runtime"
	"slices"
	"testing"
	"unsafe"
)

// Size is that of a cache line on amd64 and on most of arm64.
const Size = 64

// records is how many are looked at: enough to fill spans, in which they then lie side by side.
const records = 64

// kept makes the records escape to the heap.
var kept any

// Disjoint fails if two records of type T that are allocated one after the other touch the same line, padding at their
// end excepted. A record of one shard may be allocated beside that of the next, and one line would then go back and forth
// between two processors.
func Disjoint[T any](t *testing.T) {
	t.Helper()
	all := make([]*T, records)
	kept = all
	defer func() { runtime.KeepAlive(kept) }()
	var at []uintptr
	for i := range all {
		all[i] = new(T)
		// SAFETY: the address is compared only; the record is reachable through all.
		at = append(at, uintptr(unsafe.Pointer(all[i])))
	}
	slices.Sort(at)
	size := used(reflect.TypeFor[T]())
	neighbours := 0
	for i := range len(at) - 1 {
		last, next := at[i]+size-1, at[i+1]
		if next-last < size+4*Size {
			neighbours++
		}
		if last/Size == next/Size {
			t.Errorf("two of %v, %d bytes each, share a cache line: end it with _ [%d]byte", reflect.TypeFor[T](), size, Size)
			return
		}
	}
	// Records that lie far apart prove nothing about those that do not.
	if neighbours == 0 {
		t.Errorf("no two of %d records of %v lie side by side", records, reflect.TypeFor[T]())
	}
}

// used is the size of a type without padding at its end.
func used(t reflect.Type) uintptr {
	if t.Kind() == reflect.Struct {
		for i := t.NumField() - 1; i >= 0; i-- {
			if f := t.Field(i); f.Name != "_" {
				return f.Offset + f.Type.Size()
			}
		}
	}
	return t.Size()
}
