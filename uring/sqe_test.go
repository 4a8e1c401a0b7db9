package uring

import (
	"encoding/hex"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// TestWriters pins the bytes of every operation as the kernel reads them: opcode, flags, ioprio, fd | off | addr |
// len, opFlags | userData | bufGroup, personality, fileIndex | addr3 | pad.
func TestWriters(t *testing.T) {
	const ud = 0x8877665544332211
	for _, c := range []struct {
		name  string
		write func(s *SQE)
		want  string
	}{
		{
			"nop", func(s *SQE) { s.Nop(ud) },
			"00 00 0000 ffffffff | 0000000000000000 | 0000000000000000 | 00000000 00000000",
		},
		{
			"multishot accept", func(s *SQE) { s.AcceptMulti(3, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, ud) },
			"0d 00 0100 03000000 | 0000000000000000 | 0000000000000000 | 00000000 00080800",
		},
		{
			"multishot receive", func(s *SQE) { s.RecvMulti(4, 0x0201, ud) },
			"1b 20 0200 04000000 | 0000000000000000 | 0000000000000000 | 00000000 00000000 | group 0102",
		},
		{
			"receive", func(s *SQE) { s.Recv(4, 0x0201, 512, ud) },
			"1b 20 0000 04000000 | 0000000000000000 | 0000000000000000 | 00020000 00000000 | group 0102",
		},
		{
			"receive into memory", func(s *SQE) { s.RecvInto(4, 0x7f0011223344, 512, ud) },
			"1b 00 0000 04000000 | 0000000000000000 | 44332211007f0000 | 00020000 00000000",
		},
		{
			"send", func(s *SQE) { s.Send(5, 0x7f0011223344, 0x10203, unix.MSG_NOSIGNAL|unix.MSG_WAITALL, ud) },
			"1a 00 0000 05000000 | 0000000000000000 | 44332211007f0000 | 03020100 00410000",
		},
		{
			"zero-copy send", func(s *SQE) { s.SendZC(5, 0x7f0011223344, 0x10203, unix.MSG_WAITALL, ud) },
			"2f 00 0000 05000000 | 0000000000000000 | 44332211007f0000 | 03020100 00010000",
		},
		{
			"send message", func(s *SQE) { s.SendMsg(5, 0x7f0011223344, unix.MSG_NOSIGNAL, ud) },
			"09 00 0000 05000000 | 0000000000000000 | 44332211007f0000 | 01000000 00400000",
		},
		{
			"connect", func(s *SQE) { s.Connect(6, 0x7f0011223344, 28, ud) },
			"10 00 0000 06000000 | 1c00000000000000 | 44332211007f0000 | 00000000 00000000",
		},
		{
			"poll", func(s *SQE) { s.PollAdd(7, unix.POLLIN|unix.POLLRDHUP, ud) },
			"06 00 0000 07000000 | 0000000000000000 | 0000000000000000 | 00000000 01200000",
		},
		{
			"multishot poll", func(s *SQE) { s.PollMulti(7, unix.POLLOUT, ud) },
			"06 00 0000 07000000 | 0000000000000000 | 0000000000000000 | 01000000 04000000",
		},
		{
			"cancel", func(s *SQE) { s.Cancel(0x1020304050607080, ud) },
			"0e 00 0000 ffffffff | 0000000000000000 | 8070605040302010 | 00000000 00000000",
		},
		{
			"cancel by descriptor", func(s *SQE) { s.CancelFD(8, ud) },
			"0e 00 0000 08000000 | 0000000000000000 | 0000000000000000 | 00000000 03000000",
		},
		{
			"close", func(s *SQE) { s.Close(9, ud) },
			"13 00 0000 09000000 | 0000000000000000 | 0000000000000000 | 00000000 00000000",
		},
		{
			"shutdown", func(s *SQE) { s.Shutdown(9, unix.SHUT_WR, ud) },
			"22 00 0000 09000000 | 0000000000000000 | 0000000000000000 | 01000000 00000000",
		},
		{
			"read", func(s *SQE) { s.Read(10, 0x7f0011223344, 8, 1<<64-1, ud) },
			"16 00 0000 0a000000 | ffffffffffffffff | 44332211007f0000 | 08000000 00000000",
		},
		{
			"linked", func(s *SQE) { s.Shutdown(9, unix.SHUT_RDWR, ud); s.Link() },
			"22 04 0000 09000000 | 0000000000000000 | 0000000000000000 | 02000000 00000000",
		},
		{
			"silent", func(s *SQE) { s.Close(9, ud); s.SkipSuccess() },
			"13 40 0000 09000000 | 0000000000000000 | 0000000000000000 | 00000000 00000000",
		},
		{
			"poll first", func(s *SQE) { s.RecvMulti(4, 1, ud); s.PollFirst() },
			"1b 20 0300 04000000 | 0000000000000000 | 0000000000000000 | 00000000 00000000 | group 0100",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			var s SQE
			c.write(&s)
			head, group, ok := strings.Cut(c.want, " | group ")
			if !ok {
				group = "0000"
			}
			hexed := head + "1122334455667788" + group + strings.Repeat("00", 22)
			want, err := hex.DecodeString(strings.NewReplacer(" ", "", "|", "").Replace(hexed))
			if err != nil {
				t.Fatal(err)
			}
			if got := (*[64]byte)(unsafe.Pointer(&s)); string(got[:]) != string(want) {
				t.Errorf("\n got %x\nwant %x", got[:], want)
			}
		})
	}
}

func TestTransfers(t *testing.T) {
	r := openRing(t, Options{Entries: 16})
	pair := socketpair(t, unix.SOCK_STREAM)
	mem := offHeap(t, 4096)
	out, in := mem[:1024], mem[1024:2048]

	copy(out, "hello, world")
	r.Next().Send(pair[0], address(out), 12, unix.MSG_WAITALL, 1)
	if c := take(t, r); c != (CQE{UserData: 1, Res: 12}) {
		t.Fatalf("send: %+v", c)
	}
	r.Next().RecvInto(pair[1], address(in), 5, 2)
	if c := take(t, r); c.Res != 5 || string(in[:5]) != "hello" {
		t.Fatalf("receive: %+v, %q", c, in[:5])
	}
	s := r.Next()
	s.RecvInto(pair[1], address(in), 1024, 3)
	s.PollFirst()
	if c := take(t, r); c.Res != 7 || string(in[:7]) != ", world" {
		t.Fatalf("receive: %+v, %q", c, in[:7])
	}

	// Two vectors of a message, in memory that is mapped too.
	vectors := (*[2]unix.Iovec)(unsafe.Pointer(&mem[2048]))
	vectors[0] = unix.Iovec{Base: &out[0], Len: 5}
	vectors[1] = unix.Iovec{Base: &out[7], Len: 5}
	header := (*unix.Msghdr)(unsafe.Pointer(&mem[3072]))
	*header = unix.Msghdr{Iov: &vectors[0], Iovlen: 2}
	r.Next().SendMsg(pair[0], uintptr(unsafe.Pointer(header)), 0, 4)
	if c := take(t, r); c != (CQE{UserData: 4, Res: 10}) {
		t.Fatalf("send message: %+v", c)
	}
	r.Next().Read(pair[1], address(in), 1024, 1<<64-1, 5)
	if c := take(t, r); c.Res != 10 || string(in[:10]) != "helloworld" {
		t.Fatalf("read: %+v, %q", c, in[:10])
	}

	s = r.Next()
	s.Shutdown(pair[0], unix.SHUT_WR, 6)
	s.SkipSuccess()
	r.Next().RecvInto(pair[1], address(in), 1024, 7)
	if c := take(t, r); c != (CQE{UserData: 7}) {
		t.Fatalf("receive at the end of the stream: %+v", c)
	}

	fd, err := unix.Dup(int(pair[0]))
	if err != nil {
		t.Fatal(err)
	}
	r.Next().Close(int32(fd), 8)
	if c := take(t, r); c != (CQE{UserData: 8}) {
		t.Fatalf("close: %+v", c)
	}
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != unix.EBADF {
		t.Fatalf("the closed descriptor: %v, want EBADF", err)
	}
}

func TestPoll(t *testing.T) {
	r := openRing(t, Options{Entries: 8})
	pair := socketpair(t, unix.SOCK_STREAM)
	r.Next().PollMulti(pair[0], unix.POLLIN, 1)
	wantNone(t, r)
	for range 3 {
		write(t, pair[1], "x")
		if c := take(t, r); c.UserData != 1 || c.Res&unix.POLLIN == 0 || c.Flags&CQEFMore == 0 {
			t.Fatalf("multishot poll: %+v", c)
		}
	}
	r.Next().Cancel(1, 2)
	all := takeAll(t, r, 2)
	if all[1].Res != -int32(unix.ECANCELED) || all[2].Res != 0 {
		t.Fatalf("cancelling: %+v", all)
	}
	r.Next().PollAdd(pair[0], unix.POLLOUT, 3)
	if c := take(t, r); c.Res != unix.POLLOUT || c.Flags&CQEFMore != 0 {
		t.Fatalf("poll: %+v", c)
	}
}

func TestCancel(t *testing.T) {
	r := openRing(t, Options{Entries: 8})
	pair := socketpair(t, unix.SOCK_STREAM)
	mem := offHeap(t, 4096)

	r.Next().Cancel(99, 1)
	if c := take(t, r); c.Res != -int32(unix.ENOENT) {
		t.Fatalf("cancelling nothing: %+v, want ENOENT", c)
	}
	r.Next().CancelFD(pair[0], 1)
	if c := take(t, r); c.Res != 0 {
		t.Fatalf("cancelling nothing by descriptor: %+v, want 0", c)
	}

	r.Next().RecvInto(pair[0], address(mem), 16, 2)
	r.Next().PollAdd(pair[0], unix.POLLIN, 3)
	r.Next().RecvInto(pair[1], address(mem), 16, 4)
	wantNone(t, r)
	r.Next().CancelFD(pair[0], 5)
	all := takeAll(t, r, 3)
	if all[2].Res != -int32(unix.ECANCELED) || all[3].Res != -int32(unix.ECANCELED) || all[5].Res != 2 {
		t.Fatalf("cancelling two by descriptor: %+v", all)
	}
	wantNone(t, r)
	r.Next().Cancel(4, 6)
	if all = takeAll(t, r, 2); all[4].Res != -int32(unix.ECANCELED) || all[6].Res != 0 {
		t.Fatalf("cancelling by user data: %+v", all)
	}
}

func TestConnectAndMultishotAccept(t *testing.T) {
	r := openRing(t, Options{Entries: 8})
	listener, addr := listen(t)
	r.Next().AcceptMulti(listener, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 1)
	wantNone(t, r)

	mem := offHeap(t, 4096)
	raw := (*unix.RawSockaddrInet4)(unsafe.Pointer(&mem[0]))
	*raw = unix.RawSockaddrInet4{Family: unix.AF_INET, Port: uint16(addr.Port>>8 | addr.Port<<8&0xff00), Addr: addr.Addr}
	for range 5 {
		client := int32(tcpSocket(t))
		r.Next().Connect(client, address(mem), unix.SizeofSockaddrInet4, 2)
		all := takeAll(t, r, 2)
		if all[2].Res != 0 {
			t.Fatalf("connect: %+v", all[2])
		}
		if all[1].Res < 0 || all[1].Flags&CQEFMore == 0 {
			t.Fatalf("accept: %+v", all[1])
		}
		accepted := int(all[1].Res)
		defer unix.Close(accepted)
		if fl, err := unix.FcntlInt(uintptr(accepted), unix.F_GETFL, 0); err != nil || fl&unix.O_NONBLOCK == 0 {
			t.Fatalf("flags of the accepted socket %#x, %v", fl, err)
		}
		if fl, err := unix.FcntlInt(uintptr(accepted), unix.F_GETFD, 0); err != nil || fl&unix.FD_CLOEXEC == 0 {
			t.Fatalf("descriptor flags of the accepted socket %#x, %v", fl, err)
		}
		// Every kernel says of a TCP socket, and only newer ones say of others, whether there is more to receive.
		write(t, client, "pingpong")
		for i, want := range []string{"ping", "pong"} {
			r.Next().RecvInto(int32(accepted), address(mem[1024:]), 4, 3)
			if c := take(t, r); c.Res != 4 || string(mem[1024:1028]) != want || (c.Flags&CQEFSockNonEmpty != 0) != (i == 0) {
				t.Fatalf("receive: %+v, %q", c, mem[1024:1028])
			}
		}
	}

	r.Next().CancelFD(listener, 4)
	all := takeAll(t, r, 2)
	if all[1].Res != -int32(unix.ECANCELED) || all[1].Flags&CQEFMore != 0 || all[4].Res != 1 {
		t.Fatalf("cancelling: %+v", all)
	}
	// A port nobody listens on answers at once.
	unix.Shutdown(int(listener), unix.SHUT_RDWR)
	r.Next().Connect(int32(tcpSocket(t)), address(mem), unix.SizeofSockaddrInet4, 5)
	if c := take(t, r); c.Res != -int32(unix.ECONNREFUSED) {
		t.Fatalf("connect to a closed port: %+v, want ECONNREFUSED", c)
	}
}

func TestZeroCopySendCompletesTwice(t *testing.T) {
	r := openRing(t, Options{Entries: 8})
	listener, addr := listen(t)
	client := tcpSocket(t)
	if err := unix.Connect(client, addr); err != nil {
		t.Fatal(err)
	}
	server, _, err := unix.Accept(int(listener))
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(server)
	mem := offHeap(t, 4096)
	copy(mem, "zero copies")
	r.Next().SendZC(int32(server), address(mem), 11, unix.MSG_WAITALL, 1)
	if c := take(t, r); c.Res != 11 || c.Flags&CQEFMore == 0 || c.Flags&CQEFNotif != 0 {
		t.Fatalf("send: %+v", c)
	}
	got := make([]byte, 32)
	if n, err := unix.Read(client, got); err != nil || string(got[:n]) != "zero copies" {
		t.Fatalf("received %q, %v", got[:max(n, 0)], err)
	}
	if c := take(t, r); c.UserData != 1 || c.Flags&CQEFNotif == 0 || c.Flags&CQEFMore != 0 {
		t.Fatalf("notification: %+v", c)
	}
}
