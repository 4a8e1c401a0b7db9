package engine

import (
	"bytes"
	"io"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// disk stands in for one: of its file only what was read is in memory.
type disk struct {
	s      *Shard
	cached map[int64]bool // windows
	asked  []ask
	deaf   int // how many times nothing can be read
}

type ask struct {
	c      Conn
	off, n int64
	token  uint32
}

func (d *disk) present(_ int32, off, n int64) bool {
	return d.cached[off/residentWindow] && d.cached[(off+n-1)/residentWindow]
}

func (d *disk) absent(c Conn, _ int32, off, n int64, token uint32) bool {
	if d.deaf > 0 {
		d.deaf--
		return false
	}
	d.asked = append(d.asked, ask{c, off, n, token})
	return true
}

// read has all that was asked for brought into memory.
func (d *disk) read() {
	for _, a := range d.asked {
		d.cached[a.off/residentWindow] = true
		d.s.Present(a.c)
	}
	d.asked = nil
}

// diskRig runs a shard that answers "file" with a head and n bytes of a file from off on,
// and everything else with itself. With a veil, what is sent is sealed.
func diskRig(t *testing.T, kind Kind, veiled bool, f *os.File, off, n int64, k *tokens) (*rig, *disk) {
	d := &disk{cached: map[int64]bool{}}
	h := Handler{
		Received: func(c Conn, p []byte) {
			if string(p) != "file" {
				d.s.Append(c, p)
				return
			}
			d.s.Append(c, []byte("head"))
			d.s.AppendFile(c, int32(f.Fd()), off, n, k.next())
			d.s.Append(c, []byte("tail"))
		},
		Absent:   d.absent,
		Released: k.released(t),
	}
	var r *rig
	if veiled {
		r, _ = veilRig(t, kind, h)
	} else {
		r = start(t, kind, smallLimits, h)
	}
	r.do(func() { d.s, r.s.cfg.Present = r.s, d.present })
	return r, d
}

// caller is a client, veiled or not.
type caller interface {
	io.Reader
	Close() error
}

func call(t *testing.T, r *rig, hidden bool) (caller, func([]byte)) {
	t.Helper()
	c := r.client()
	if !hidden {
		return c, func(p []byte) { send(t, c, p) }
	}
	v := &veiled{Conn: c}
	v.hello(t)
	return v, func(p []byte) { send(t, c, v.seal(p)) }
}

// TestAbsentFile has parts of a file come from a disk one after the other, while others are
// answered: nobody but who needs them waits.
func TestAbsentFile(t *testing.T) {
	onBoth(t, func(t *testing.T, kind Kind) {
		for _, hidden := range []bool{false, true} {
			const off, size = 5000, 3 << 20
			f := file(t, 4<<20)
			var k tokens
			r, d := diskRig(t, kind, hidden, f, off, size, &k)
			c, say := call(t, r, hidden)
			other, speak := call(t, r, hidden)
			say([]byte("file"))
			expect(t, c, []byte("head"))
			want := pattern(4<<20, 0)[off : off+size]
			for at := int64(off); at < off+size; {
				end := min((at/residentWindow+1)*residentWindow, off+size)
				r.eventually("the part is asked for", func() bool { return len(d.asked) == 1 })
				r.do(func() {
					if a := d.asked[0]; a.off != at || a.n != end-at || a.token != 1 {
						t.Errorf("%d bytes at %d are asked for with token %d, want %d at %d", a.n, a.off, a.token, end-at, at)
					}
				})
				speak([]byte("echo"))
				expect(t, other, []byte("echo"))
				r.do(d.read)
				expect(t, c, want[at-off:end-off])
				at = end
			}
			expect(t, c, []byte("tail"))

			// What was there a moment ago is sent without a question.
			say([]byte("file"))
			expect(t, c, []byte("head"))
			expect(t, c, want)
			expect(t, c, []byte("tail"))
			r.do(func() {
				if st := r.s.Stats(); st.Absent != 4 || len(d.asked) != 0 {
					t.Errorf("asked %d times, %d without an answer", st.Absent, len(d.asked))
				}
			})
			_ = c.Close()
			_ = other.Close()
			r.eventually("both tokens are back", func() bool { return k.back == 2 })
			r.stop()
		}
	})
}

// TestAbsentFileIsAskedForAgain has nobody to ask, at first.
func TestAbsentFileIsAskedForAgain(t *testing.T) {
	onBoth(t, func(t *testing.T, kind Kind) {
		f := file(t, 100_000)
		var k tokens
		r, d := diskRig(t, kind, false, f, 0, 100_000, &k)
		r.do(func() { d.deaf = 1 })
		c, say := call(t, r, false)
		say([]byte("file"))
		r.eventually("it is asked for", func() bool { return len(d.asked) == 1 })
		r.do(d.read)
		expect(t, c, []byte("head"))
		expect(t, c, pattern(100_000, 0))
	})
}

// TestAbsentFileOfConnectionsThatEnd ends connections while they wait, and has the part come
// after that.
func TestAbsentFileOfConnectionsThatEnd(t *testing.T) {
	onBoth(t, func(t *testing.T, kind Kind) {
		for name, tc := range map[string]struct {
			end  func(s *Shard, c Conn)
			sent bool
		}{
			"aborted": {func(s *Shard, c Conn) { s.Abort(c) }, false},
			"dropped": {func(s *Shard, c Conn) { s.Drop(c) }, false},
			"closed":  {func(s *Shard, c Conn) { s.Close(c) }, true},
			"too late": {func(s *Shard, c Conn) {
				s.Close(c)
				s.kill(c.index())
			}, false},
		} {
			t.Run(name, func(t *testing.T) {
				f := file(t, 100_000)
				var k tokens
				r, d := diskRig(t, kind, false, f, 0, 100_000, &k)
				c, say := call(t, r, false)
				say([]byte("file"))
				r.eventually("it is asked for", func() bool { return len(d.asked) == 1 })
				r.do(func() { tc.end(r.s, d.asked[0].c) })
				if !tc.sent {
					r.eventually("the connection is gone", func() bool { return r.s.Stats().Open == 0 })
				}
				r.do(d.read)
				if tc.sent {
					expect(t, c, []byte("head"))
					expect(t, c, pattern(100_000, 0))
					expect(t, c, []byte("tail"))
					expectEnd(t, c)
				}
				_ = c.Close()
				r.eventually("the token is back", func() bool { return k.back == 1 })
				r.stop()
			})
		}
	})
}

// TestAbsentFileThatGotShorter brings a part that is not there any more.
func TestAbsentFileThatGotShorter(t *testing.T) {
	onBoth(t, func(t *testing.T, kind Kind) {
		for _, hidden := range []bool{false, true} {
			f := file(t, 100_000)
			var k tokens
			r, d := diskRig(t, kind, hidden, f, 0, 100_000, &k)
			c, say := call(t, r, hidden)
			other, speak := call(t, r, hidden)
			say([]byte("file"))
			r.eventually("it is asked for", func() bool { return len(d.asked) == 1 })
			if err := f.Truncate(0); err != nil {
				t.Fatal(err)
			}
			r.do(d.read)
			r.eventually("the connection is gone", func() bool { return k.back == 1 && r.s.Stats().Clients == 1 })
			speak([]byte("echo"))
			expect(t, other, []byte("echo"))
			_ = c.Close()
			_ = other.Close()
			r.stop()
		}
	})
}

// TestResident asks as a protocol does that reads files itself: no look goes beyond a
// window, and what was there is taken to be there for a while.
func TestResident(t *testing.T) {
	const (
		w  = residentWindow
		fd = 7
	)
	looks := 0
	d := &disk{cached: map[int64]bool{0: true}}
	onBoth(t, func(t *testing.T, kind Kind) {
		r := start(t, kind, smallLimits, Handler{Absent: d.absent})
		r.do(func() {
			looks = 0
			r.s.cfg.Present = func(fd int32, off, n int64) bool {
				looks++
				return d.present(fd, off, n)
			}
			before := r.s.stats.Absent
			for _, c := range []struct {
				off, n int64
				part   int64
				there  bool
				looks  int
			}{
				{0, 3 * w, w, true, 1},
				{100, w, w - 100, true, 1}, // it is known of the window
				{w - 1, 5, 1, true, 1},
				{w, 5, 5, false, 2},
				{w, 5, 5, false, 3}, // what was not there may be there now
				{2*w - 10, w, 10, false, 4},
			} {
				if part, there := r.s.Resident(fd, c.off, c.n); part != c.part || there != c.there || looks != c.looks {
					t.Errorf("%d bytes at %d: %d, %t after %d looks, want %d, %t after %d", c.n, c.off, part, there, looks, c.part, c.there, c.looks)
				}
			}
			if n := r.s.stats.Absent - before; n != 3 {
				t.Errorf("%d parts are counted as absent", n)
			}
			if n := testing.AllocsPerRun(100, func() { r.s.Resident(fd, 0, 1) }); n != 0 {
				t.Errorf("%v allocations", n)
			}
			r.s.handler.Absent = nil
			if part, there := r.s.Resident(fd, w, 3*w); part != 3*w || !there {
				t.Errorf("with nobody to read it: %d, %t", part, there)
			}
		})
	})
}

// thrownOut has a file go to the disk and out of memory, and reports whether it has gone, from
// its first byte to its last: a file system may keep everything. It looks without a read, even
// one that would not wait: that makes some kernels read ahead.
func thrownOut(t *testing.T, f *os.File, size int) bool {
	t.Helper()
	if err := f.Sync(); err != nil {
		t.Fatal(err)
	}
	if err := unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED); err != nil {
		t.Fatal(err)
	}
	mem, err := unix.Mmap(int(f.Fd()), 0, size, unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Munmap(mem) }()
	pages := make([]byte, (size+pageBytes-1)/pageBytes)
	if e := mincore(mem, pages); e != 0 {
		t.Fatal(e)
	}
	return pages[0]&1 == 0 && pages[len(pages)-1]&1 == 0
}

// TestPresence asks the kernel: for what was just written, for what was thrown out of memory,
// and for what was read again. Where a file system keeps everything in memory there is
// nothing to be thrown out. To ask may be what has the kernel read, so nothing is asked twice.
func TestPresence(t *testing.T) {
	const size = 3 << 20
	f := file(t, size)
	for name, s := range map[string]*Shard{"cachestat": {}, "without": {resident: residency{blind: true}}} {
		t.Run(name, func(t *testing.T) {
			fd := int32(f.Fd())
			if !s.present(fd, 0, size) || !s.present(fd, 4095, 2) || !s.present(fd, size-1, 1) {
				t.Error("what was just written is not there")
			}
			if thrownOut(t, f, size) && (s.present(fd, 0, size) || s.present(fd, size-1, 1)) {
				t.Error("what is on the disk only is taken for present")
			}
			if _, err := f.ReadAt(make([]byte, size), 0); err != nil {
				t.Fatal(err)
			}
			if !s.present(fd, 0, size) {
				t.Error("what was read is not there")
			}
			if name == "cachestat" && s.resident.blind {
				t.Log("this kernel has no cachestat(2), or refuses it")
			}
		})
	}
}

// TestColdFile sends a file that was thrown out of memory, read by a goroutine.
func TestColdFile(t *testing.T) {
	onBoth(t, func(t *testing.T, kind Kind) {
		const size = 2<<20 + 77
		f := file(t, size)
		cold := thrownOut(t, f, size)
		var s *Shard
		var k tokens
		r := start(t, kind, smallLimits, Handler{
			Accepted: func(c Conn, _ int) {
				s.AppendFile(c, int32(f.Fd()), 0, size, k.next())
				s.Close(c)
			},
			Absent: func(c Conn, _ int32, off, n int64, _ uint32) bool {
				go func() {
					if _, err := f.ReadAt(make([]byte, n), off); err != nil {
						t.Error(err)
					}
					for !s.Post(Message{Value: func() { s.Present(c) }}) {
						time.Sleep(time.Millisecond)
					}
				}()
				return true
			},
			Released: k.released(t),
		})
		r.do(func() { s = r.s })
		c := r.client()
		expect(t, c, pattern(size, 0))
		expectEnd(t, c)
		r.do(func() {
			if n := r.s.Stats().Absent; cold && n == 0 {
				t.Error("the shard has waited for the disk")
			}
		})
	})
}

// TestSimulatedDisk sends parts of a file to clients of which some go away, with parts that come
// in any order, late, or when they were reclaimed again.
func TestSimulatedDisk(t *testing.T) {
	f := file(t, 4<<20)
	all := pattern(4<<20, 0)
	for seed := range uint64(40) {
		rng := rand.New(rand.NewPCG(seed, 7))
		d := &disk{cached: map[int64]bool{}}
		var k tokens
		m, err := NewSim(seed, Faults{Short: 0.2, Delay: 0.2}, smallLimits, Handler{Absent: d.absent, Released: k.released(t)})
		if err != nil {
			t.Fatal(err)
		}
		d.s = m.Shard()
		d.s.cfg.Present = func(_ int32, off, n int64) bool { return d.present(0, off, n) && rng.IntN(4) > 0 }
		type client struct {
			*SimPeer
			want []byte
			gone bool
		}
		var clients []*client
		accepted := 0
		h := Handler{Absent: d.absent, Released: d.s.handler.Released, Accepted: func(c Conn, _ int) {
			accepted++
			var u *client
			for _, u = range clients {
				if u.SimPeer == m.pending {
					break
				}
			}
			for range 1 + rng.IntN(3) {
				from := rng.IntN(len(all) - 1)
				n := 1 + rng.IntN(min(len(all)-from, 300_000))
				u.want = append(u.want, all[from:from+n]...)
				d.s.AppendFile(c, int32(f.Fd()), int64(from), int64(n), k.next())
			}
			d.s.Close(c)
		}}
		d.s.SetHandler(h)
		d.s.AddListener(-1, 3)
		for range 12 {
			u := &client{}
			clients = append(clients, u)
			u.SimPeer = m.Client(3)
			m.Step()
		}
		for n := 0; k.back < k.given || accepted < len(clients); n++ {
			if n > 100_000 {
				t.Fatalf("%d of %d files are sent (seed %d)", k.back, k.given, seed)
			}
			m.Step()
			if len(d.asked) > 0 && rng.IntN(3) == 0 {
				i := rng.IntN(len(d.asked))
				a := d.asked[i]
				d.asked = append(d.asked[:i], d.asked[i+1:]...)
				d.cached[a.off/residentWindow] = rng.IntN(4) > 0
				d.s.Present(a.c)
			}
			if rng.IntN(2000) == 0 {
				u := clients[rng.IntN(len(clients))]
				u.gone = true
				u.Reset()
			}
		}
		for i, u := range clients {
			if !u.gone && !bytes.Equal(u.FromShard, u.want) {
				t.Fatalf("client %d has %d of %d bytes (seed %d)", i, len(u.FromShard), len(u.want), seed)
			}
		}
		m.Release()
	}
}
