package tlsedge

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// TestKernelsRecords opens records of the kernel's: of every cipher suite, from a number in the middle on, as large as
// they come, and with what the kernel says of how many they are. Where the kernel has no TLS, FindKernel says so; in the
// kernels of test/kernels, which set the variable, that is a failure.
func TestKernelsRecords(t *testing.T) {
	k, err := FindKernel()
	if err != nil {
		if _, e := os.Stat("/proc/net/tls_stat"); e == nil || os.Getenv("ANYGATE_TEST_KTLS") == "on" {
			t.Fatal(err)
		}
		return
	}
	if os.Getenv("ANYGATE_TEST_KTLS") == "on" && k.Lacks() != "" {
		t.Errorf("it lacks %s", k.Lacks())
	}
	for _, s := range k.makes {
		t.Run(s.name, func(t *testing.T) { openKernels(t, s) })
	}
	t.Run("held", func(t *testing.T) { holdKernels(t, k.makes[0]) })
}

// kernelPair is a connection of which the kernel makes the records that the one end sends, and the layer that opens them.
func kernelPair(t *testing.T, s *suite, first uint64) (fd int, peer net.Conn, l *layer) {
	t.Helper()
	pair, err := loopback()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(pair[1]) })
	l = &layer{suite: s}
	l.rx.secret = [maxSecret]byte{1, 2, 3}
	s.key(&l.rx)
	l.rx.seq = first
	var buf infoBuffer
	if err := (linuxSockets{}).attach(int32(pair[1]), s.info(&buf, &l.rx)); err != nil {
		t.Fatal(err)
	}
	f := os.NewFile(uintptr(pair[0]), "peer")
	peer, err = net.FileConn(f)
	_ = f.Close()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = peer.Close() })
	return pair[1], peer, l
}

func openKernels(t *testing.T, s *suite) {
	const first = 1<<32 - 1 // the next one has another first half
	fd, peer, l := kernelPair(t, s, first)
	content := pattern(3*recordContent - 1)
	for at := 0; at < len(content); {
		n, err := unix.Write(fd, content[at:])
		if err != nil {
			t.Fatal(err)
		}
		at += n
	}
	sizes, left := []int{recordContent, recordContent, recordContent - 1}, content
	for i, want := range sizes {
		record := make([]byte, sealed(want))
		if _, err := io.ReadFull(peer, record); err != nil {
			t.Fatal(err)
		}
		if n := int(binary.BigEndian.Uint16(record[3:])); n != len(record)-recordHead {
			t.Fatalf("record %d has %d bytes, not %d", i, n, len(record)-recordHead)
		}
		got, kind, alert := l.open(record)
		if alert != 0 || kind != typeApplicationData || !bytes.Equal(got, left[:want]) {
			t.Fatalf("record %d: type %d, alert %d, %d bytes, or others", i, kind, alert, len(got))
		}
		left = left[want:]
	}
	wantTaken(t, fd, s, first, uint64(len(content)), uint64(len(sizes)))
}

// wantTaken has the kernel count right what has all gone into a connection.
func wantTaken(t *testing.T, fd int, s *suite, first, content, records uint64) {
	t.Helper()
	var buf infoBuffer
	info := s.info(&buf, &half{})
	if err := (linuxSockets{}).next(int32(fd), info); err != nil || number(info) != first+records {
		t.Errorf("the next record has number %d, want %d: %v", number(info), first+records, err)
	}
	want := content + records*recordOverhead
	if n, err := (linuxSockets{}).taken(int32(fd)); n != want || err != nil {
		t.Errorf("the connection has taken %d bytes, want %d: %v", n, want, err)
	}
}

// holdKernels writes to a peer that reads little at a time, until the kernel takes no more. It has taken more by then than
// the connection has: that is seen, and that it is over when the peer has read it.
func holdKernels(t *testing.T, s *suite) {
	fd, peer, _ := kernelPair(t, s, 0)
	if err := unix.SetNonblock(fd, true); err != nil {
		t.Fatal(err)
	}
	const piece, rounds = 16_000, 40
	content, read := make([]byte, piece), make([]byte, 50_000)
	var written, records, got uint64
	held := 0
	for range rounds {
		for {
			n, err := unix.Write(fd, content)
			if err == unix.EAGAIN {
				break
			}
			if err != nil || n != piece {
				t.Fatalf("%d bytes, %v", n, err)
			}
			written += piece
			records++
		}
		n, err := (linuxSockets{}).taken(int32(fd))
		switch whole := written + records*recordOverhead; {
		case err != nil || n > whole:
			t.Fatalf("the connection has taken %d bytes of %d: %v", n, whole, err)
		case n < whole:
			held++
		}
		k, err := io.ReadFull(peer, read)
		if got += uint64(k); err != nil {
			t.Fatal(err)
		}
	}
	if held == 0 {
		t.Errorf("the kernel has held nothing beside the connection in %d rounds", rounds)
	}
	if n, err := io.CopyN(io.Discard, peer, int64(written+records*recordOverhead-got)); err != nil {
		t.Fatalf("%d bytes: %v", n, err)
	}
	wantTaken(t, fd, s, 0, written, records)
}
