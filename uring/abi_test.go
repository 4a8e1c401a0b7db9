package uring

import (
	"testing"
	"unsafe"
)

// TestLayout holds the sizes and offsets of include/uapi/linux/io_uring.h.
func TestLayout(t *testing.T) {
	for _, c := range []struct {
		name      string
		got, want uintptr
	}{
		{"sizeof(io_uring_sqe)", unsafe.Sizeof(SQE{}), 64},
		{"io_uring_sqe.flags", unsafe.Offsetof(SQE{}.flags), 1},
		{"io_uring_sqe.ioprio", unsafe.Offsetof(SQE{}.ioprio), 2},
		{"io_uring_sqe.fd", unsafe.Offsetof(SQE{}.fd), 4},
		{"io_uring_sqe.off", unsafe.Offsetof(SQE{}.off), 8},
		{"io_uring_sqe.addr", unsafe.Offsetof(SQE{}.addr), 16},
		{"io_uring_sqe.len", unsafe.Offsetof(SQE{}.len), 24},
		{"io_uring_sqe.rw_flags", unsafe.Offsetof(SQE{}.opFlags), 28},
		{"io_uring_sqe.user_data", unsafe.Offsetof(SQE{}.userData), 32},
		{"io_uring_sqe.buf_group", unsafe.Offsetof(SQE{}.bufGroup), 40},
		{"io_uring_sqe.personality", unsafe.Offsetof(SQE{}.personality), 42},
		{"io_uring_sqe.file_index", unsafe.Offsetof(SQE{}.fileIndex), 44},
		{"io_uring_sqe.addr3", unsafe.Offsetof(SQE{}.addr3), 48},
		{"sizeof(io_uring_cqe)", unsafe.Sizeof(CQE{}), 16},
		{"io_uring_cqe.res", unsafe.Offsetof(CQE{}.Res), 8},
		{"io_uring_cqe.flags", unsafe.Offsetof(CQE{}.Flags), 12},
		{"sizeof(io_uring_params)", unsafe.Sizeof(setupParams{}), 120},
		{"io_uring_params.sq_off", unsafe.Offsetof(setupParams{}.sqOff), 40},
		{"io_uring_params.cq_off", unsafe.Offsetof(setupParams{}.cqOff), 80},
		{"sizeof(io_sqring_offsets)", unsafe.Sizeof(sqRingOffsets{}), 40},
		{"io_sqring_offsets.array", unsafe.Offsetof(sqRingOffsets{}.array), 24},
		{"sizeof(io_cqring_offsets)", unsafe.Sizeof(cqRingOffsets{}), 40},
		{"io_cqring_offsets.cqes", unsafe.Offsetof(cqRingOffsets{}.cqes), 20},
		{"sizeof(io_uring_rsrc_update)", unsafe.Sizeof(rsrcUpdate{}), 16},
		{"sizeof(io_uring_buf)", unsafe.Sizeof(bufEntry{}), 16},
		{"io_uring_buf.bid", unsafe.Offsetof(bufEntry{}.bid), 12},
		{"io_uring_buf_ring.tail", unsafe.Offsetof(bufEntry{}.tail), 14},
		{"sizeof(io_uring_buf_reg)", unsafe.Sizeof(bufReg{}), 40},
		{"io_uring_buf_reg.bgid", unsafe.Offsetof(bufReg{}.bgid), 12},
		{"sizeof(__kernel_timespec)", unsafe.Sizeof(kernelTimespec{}), 16},
		{"sizeof(io_uring_getevents_arg)", unsafe.Sizeof(getEventsArg{}), 24},
		{"io_uring_getevents_arg.ts", unsafe.Offsetof(getEventsArg{}.ts), 16},
		{"sizeof(io_uring_sync_cancel_reg)", unsafe.Sizeof(syncCancelReg{}), 64},
		{"io_uring_sync_cancel_reg.timeout", unsafe.Offsetof(syncCancelReg{}.timeout), 16},
	} {
		if c.got != c.want {
			t.Errorf("%s is %d, want %d", c.name, c.got, c.want)
		}
	}
}

// Publish stores buffer id and tail of entry 0 as one little-endian word; this fails where that is wrong.
func TestLittleEndian(t *testing.T) {
	word := uint32(0x0102)<<16 | 0x0304
	e := (*struct{ bid, tail uint16 })(unsafe.Pointer(&word))
	if e.bid != 0x0304 || e.tail != 0x0102 {
		t.Error("this machine is not little-endian, which the layout of a buffer ring assumes")
	}
}

func TestBufferID(t *testing.T) {
	for _, c := range []struct {
		flags uint32
		want  uint16
	}{
		{CQEFBuffer, 0},
		{7<<16 | CQEFBuffer | CQEFMore, 7},
		{0xffff<<16 | CQEFBuffer, 0xffff},
	} {
		if got := BufferID(c.flags); got != c.want {
			t.Errorf("BufferID(%#x) = %d, want %d", c.flags, got, c.want)
		}
	}
}
