package offheap

import (
	"testing"

	"golang.org/x/sys/unix"
)

func TestSlice(t *testing.T) {
	type pair [2]uint32
	s, err := Slice[pair](1000)
	if err != nil {
		t.Fatal(err)
	}
	if len(s) != 1000 || s[0] != (pair{}) || s[999] != (pair{}) {
		t.Errorf("%d values, the last is %v", len(s), s[999])
	}
	Unmap(s)
	Unmap[pair](nil)
	if _, err := Slice[byte](1 << 60); err == nil {
		t.Error("there is room for an exbibyte")
	}
}

func TestBytes(t *testing.T) {
	s, err := Slice[byte](100)
	if err != nil {
		t.Fatal(err)
	}
	b := Bytes(Addr(s)+10, 5)
	copy(b, "hello")
	if string(s[9:16]) != "\x00hello\x00" || len(b) != 5 || Addr(b) != Addr(s)+10 {
		t.Errorf("%q", s[9:16])
	}
	// Its pages come when they are touched.
	big, err := Slice[byte](1 << 30)
	if err != nil {
		t.Fatal(err)
	}
	big[0] = 1
	in := make([]byte, 2)
	if _, _, e := unix.Syscall(unix.SYS_MINCORE, Addr(big), uintptr(2*unix.Getpagesize()), Addr(in)); e != 0 || in[0]&1 != 1 || in[1]&1 != 0 {
		t.Errorf("%v, %v", in, e)
	}
	Unmap(big)
	Unmap(s)
}
