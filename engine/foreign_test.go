package engine

import (
	"bytes"
	"io"
	"os"
	"testing"

	"github.com/anygate/anygate/engine/offheap"
)

// file makes a file of n bytes of the pattern; it is closed before the rig's
// last checks.
func file(t *testing.T, n int) *os.File {
	t.Helper()
	f, err := os.CreateTemp(t.TempDir(), "engine")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	if _, err := f.Write(pattern(n, 0)); err != nil {
		t.Fatal(err)
	}
	return f
}

func TestFileAfterAHead(t *testing.T) {
	onBoth(t, func(t *testing.T, kind Kind) {
		for _, tc := range []struct {
			name   string
			off, n int
		}{
			{"small", 0, 100},
			{"a range", 4097, 12345},
			{"several turns' worth", 0, 7<<20 + 3},
		} {
			t.Run(tc.name, func(t *testing.T) {
				f := file(t, 8<<20)
				var s *Shard
				var k tokens
				r := start(t, kind, smallLimits, Handler{
					Accepted: func(c Conn, _ int) {
						s.Append(c, []byte("head\r\n\r\n"))
						s.AppendFile(c, int32(f.Fd()), int64(tc.off), int64(tc.n), k.next())
						s.Append(c, []byte("tail"))
						s.Close(c)
					},
					Received: func(Conn, []byte) {},
					Released: k.released(t),
				})
				r.do(func() { s = r.s })
				c := r.client()
				want := append([]byte("head\r\n\r\n"), pattern(8<<20, 0)[tc.off:tc.off+tc.n]...)
				if tc.n == 100 {
					// MSG_MORE: the head waits for the file, and leaves in
					// one piece with it.
					b := make([]byte, 4096)
					n, err := c.Read(b)
					if err != nil || n < len(want) || !bytes.Equal(b[:len(want)], want) {
						t.Fatalf("first read: %s, %v, want the head and the file", brief(b[:n]), err)
					}
					expect(t, io.MultiReader(bytes.NewReader(b[len(want):n]), c), []byte("tail"))
				} else {
					expect(t, c, append(want, "tail"...))
				}
				expectEnd(t, c)
				_ = c.Close()
				r.do(func() {
					if k.given != 1 || k.back != 1 {
						t.Errorf("%d tokens given, %d back", k.given, k.back)
					}
				})
				r.stop()
			})
		}
	})
}

func TestFileThatGotShorterEndsTheConnection(t *testing.T) {
	onBoth(t, func(t *testing.T, kind Kind) {
		f := file(t, 5000)
		var s *Shard
		var k tokens
		ended := make(chan Reason, 10)
		r := start(t, kind, smallLimits, Handler{
			Accepted: func(c Conn, _ int) {
				s.AppendFile(c, int32(f.Fd()), 0, 9000, k.next())
				s.Append(c, []byte("what follows"))
				s.AppendFile(c, int32(f.Fd()), 0, 100, k.next())
			},
			Closed:   func(_ Conn, why Reason, _ Errno) { ended <- why },
			Released: k.released(t),
		})
		r.do(func() { s = r.s })
		c := r.client()
		expect(t, c, pattern(5000, 0))
		if n, err := c.Read(make([]byte, 100)); n != 0 || err == nil {
			t.Errorf("%d bytes followed a truncated file", n)
		}
		if why := receive(t, ended); why != ReasonFile {
			t.Errorf("ended for the reason %v, want %v", why, ReasonFile)
		}
		r.eventually("both tokens are back", func() bool { return k.back == 2 })
	})
}

func TestMemoryTokensComeBackOnce(t *testing.T) {
	const pieces = 300
	onBoth(t, func(t *testing.T, kind Kind) {
		mem := foreign(t, 64<<10)
		for _, tc := range []struct {
			name string
			end  func(s *Shard, c Conn)
			all  bool
		}{
			{"sent", func(s *Shard, c Conn) { s.Close(c) }, true},
			{"aborted", func(s *Shard, c Conn) { s.Abort(c) }, false},
			{"dropped", func(s *Shard, c Conn) { s.Drop(c) }, false},
			{"stopped", func(s *Shard, _ Conn) { s.Stop() }, false},
			{"closed to a reader that never reads", func(s *Shard, c Conn) { s.Close(c); s.SetDeadline(c, 1) }, false},
		} {
			t.Run(tc.name, func(t *testing.T) {
				var s *Shard
				var k tokens
				opened := make(chan Conn, 1)
				r := start(t, kind, smallLimits, Handler{
					Accepted: func(c Conn, _ int) {
						for i := range pieces {
							s.AppendMemory(c, offheap.Addr(mem)+uintptr(i), len(mem)-i, k.next())
							if i%3 == 0 {
								s.Append(c, mem[:i])
							}
						}
						opened <- c
					},
					Released: k.released(t),
				})
				r.do(func() { s = r.s })
				c := r.client()
				conn := receive(t, opened)
				r.eventually("the connection is blocked", func() bool {
					return s.conns[conn.Index()].has(flagPollOut|flagSending) && len(s.dirty) == 0
				})
				if tc.name == "stopped" {
					r.do(func() { tc.end(s, conn) })
					receive(t, r.done)
					r.gone = true
					if k.back != pieces {
						t.Errorf("%d of %d tokens came back", k.back, pieces)
					}
					return
				}
				r.do(func() { tc.end(s, conn) })
				if tc.all {
					var want []byte
					for i := range pieces {
						want = append(want, mem[i:]...)
						if i%3 == 0 {
							want = append(want, mem[:i]...)
						}
					}
					expect(t, c, want)
					expectEnd(t, c)
				}
				_ = c.Close()
				r.eventually("every token is back", func() bool { return k.back == pieces })
				r.stop()
			})
		}
	})
}

func TestReadFile(t *testing.T) {
	f := file(t, 10_000)
	s := new(Shard)
	for _, tc := range []struct {
		name   string
		off, n int
		ok     bool
	}{
		{"all", 0, 10_000, true},
		{"a range", 4097, 1234, true},
		{"nothing", 10_000, 0, true},
		{"beyond the end", 9_000, 1001, false},
	} {
		p := make([]byte, tc.n)
		if ok := s.ReadFile(int32(f.Fd()), p, int64(tc.off)); ok != tc.ok || ok && !bytes.Equal(p, pattern(10_000, 0)[tc.off:tc.off+tc.n]) {
			t.Errorf("%s: %t", tc.name, ok)
		}
	}
	if s.ReadFile(-1, make([]byte, 1), 0) {
		t.Error("a file that is not open was read")
	}
}
