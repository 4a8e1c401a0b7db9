package tlsedge

import (
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"io"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/anygate/anygate/engine"
)

// plainKernel takes keys, and makes no records: what the kernel would be given arrives
// as it is. It is used on the shard only.
type plainKernel struct {
	linuxSockets
	refuses bool
	holds   bool // it has not passed on all
	infos   [][]byte
	made    uint64 // records, as far as the keys are concerned
	asked   int    // taken
}

func (k *plainKernel) attach(_ int32, info []byte) error {
	k.infos = append(k.infos, bytes.Clone(info))
	if k.refuses {
		return unix.EBUSY
	}
	return nil
}

func (k *plainKernel) next(_ int32, info []byte) error {
	first := number(k.infos[len(k.infos)-1])
	binary.BigEndian.PutUint64(info[len(info)-8:], first+k.made)
	return nil
}

// taken is how many bytes the connection has really taken, and the heads and tags that
// are not there.
func (k *plainKernel) taken(fd int32) (uint64, error) {
	k.asked++
	n, err := k.linuxSockets.taken(fd)
	if k.holds {
		n--
	}
	return n + k.made*recordOverhead, err
}

// kernelRig is a rig whose records such a kernel makes, and a client that has got its
// session ticket.
func kernelRig(r *rig, k *plainKernel) *wire {
	r.t.Helper()
	r.server.Kernel = &Kernel{sockets: k, makes: suites}
	r.start()
	return r.wireTo(resumes)
}

// resumes makes a client one that is given a session ticket.
func resumes(c *tls.Config) { c.ClientSessionCache = tls.NewLRUClientSessionCache(1) }

// ticket receives the session ticket.
func (w *wire) ticket() {
	w.t.Helper()
	var head [recordHead]byte
	if _, err := io.ReadFull(w.Conn, head[:]); err != nil {
		w.t.Fatal(err)
	}
	record := append(head[:], make([]byte, binary.BigEndian.Uint16(head[3:]))...)
	if _, err := io.ReadFull(w.Conn, record[recordHead:]); err != nil {
		w.t.Fatal(err)
	}
	if content, kind, alert := w.l.open(record); alert != 0 || kind != typeHandshake || content[0] != 4 {
		w.t.Fatalf("type %d, alert %d, in place of a ticket", kind, alert)
	}
}

// plain receives what the kernel was given.
func (w *wire) plain(want string) {
	w.t.Helper()
	got := make([]byte, len(want))
	if n, err := io.ReadFull(w.Conn, got); err != nil || string(got) != want {
		w.t.Fatalf("%q, %v, want %q", got[:n], err, want)
	}
}

func (w *wire) end() {
	w.t.Helper()
	if n, err := w.Conn.Read(make([]byte, 1)); err != io.EOF {
		w.t.Fatalf("%d bytes, %v, want the end", n, err)
	}
}

const closeNotify = "\x01\x00"

// TestKernelMakesRecords hands over the right keys at the right record, and says the
// closing words when the kernel has nothing left.
func TestKernelMakesRecords(t *testing.T) {
	onBoth(t, func(t *testing.T, r *rig) {
		k := &plainKernel{holds: true}
		w := kernelRig(r, k)
		for range 3 {
			w.send(w.record(typeApplicationData, []byte("hello")))
			if w.l.rx.seq == 0 {
				w.ticket()
			}
			w.plain("hello")
		}
		r.do(func() {
			var buf infoBuffer
			want := w.l.suite.info(&buf, &w.l.rx)
			if len(k.infos) != 1 || !bytes.Equal(k.infos[0], want) {
				t.Errorf("keys %x, want %x", k.infos, want)
			}
			c := r.only()
			if c.layer.tx.aead != nil || c.layer.tx.key != [maxKey]byte{} || c.layer.tx.secret != [maxSecret]byte{} || c.edge.info != (infoBuffer{}) {
				t.Error("the keys that the kernel has are still here")
			}
			if st := r.e.Stats(); st.Kernelled != 1 || st.Unkernelled != 0 {
				t.Errorf("%+v", st)
			}
			k.made = 3
		})
		w.send(w.record(typeAlert, []byte{alertWarning, alertCloseNotify}))
		w.plain(closeNotify)
		r.eventually("it was asked more than once", func() bool { return k.asked > 2 })
		r.do(func() { k.holds = false })
		w.end()
	})
}

// TestKernelOfALargeAnswer has files and memory go out behind the ticket.
func TestKernelOfALargeAnswer(t *testing.T) {
	onBoth(t, func(t *testing.T, r *rig) {
		content := pattern(400_000)
		r.received = func(c engine.Conn, p []byte) { r.s.Append(c, content); r.s.Close(c) }
		w := kernelRig(r, new(plainKernel))
		w.send(w.record(typeApplicationData, []byte("x")))
		w.ticket()
		w.plain(string(content) + closeNotify)
		w.end()
	})
}

// TestKernelRefuses goes on with records of our own.
func TestKernelRefuses(t *testing.T) {
	onBoth(t, func(t *testing.T, r *rig) {
		w := kernelRig(r, &plainKernel{refuses: true})
		for range 2 {
			w.send(w.record(typeApplicationData, []byte("hello")))
			w.expect("hello")
		}
		r.do(func() {
			if st := r.e.Stats(); st.Kernelled != 0 || st.Unkernelled != 1 {
				t.Errorf("%+v", st)
			}
		})
		w.send(w.record(typeAlert, []byte{alertWarning, alertCloseNotify}))
		w.expectAlert(alertWarning, alertCloseNotify)
	})
}

// TestKernelLacksTheSuite does not ask it.
func TestKernelLacksTheSuite(t *testing.T) {
	onBoth(t, func(t *testing.T, r *rig) {
		k := new(plainKernel)
		r.server.Kernel = &Kernel{sockets: k}
		r.start()
		w := r.wireTo(nil)
		w.send(w.record(typeApplicationData, []byte("hello")))
		w.expect("hello")
		r.do(func() {
			if len(k.infos) != 0 {
				t.Error("it was given keys")
			}
		})
	})
}

// TestKernelTellsOfErrors sends a record that cannot be opened.
func TestKernelTellsOfErrors(t *testing.T) {
	onBoth(t, func(t *testing.T, r *rig) {
		w := kernelRig(r, new(plainKernel))
		w.send(w.record(typeApplicationData, []byte("hello")))
		w.ticket()
		w.plain("hello")
		b := w.record(typeApplicationData, []byte("hello"))
		b[7] ^= 1
		w.send(b)
		w.plain(string([]byte{alertFatal, alertBadRecordMAC}))
		w.end()
	})
}

// TestKernelCannotChangeKeys ends connections in order whose keys have to change: those
// whose clients ask for it, behind what they send in the same breath, and those that
// have used theirs up. A client may change its own.
func TestKernelCannotChangeKeys(t *testing.T) {
	onBoth(t, func(t *testing.T, r *rig) {
		k := new(plainKernel)
		w := kernelRig(r, k)
		echo := func(s string) {
			t.Helper()
			w.send(w.record(typeApplicationData, []byte(s)))
			if w.l.rx.seq == 0 {
				w.ticket()
			}
			w.plain(s)
		}
		update := func(asked byte) []byte {
			b := w.record(typeHandshake, []byte{typeKeyUpdate, 0, 0, 1, asked})
			w.l.suite.update(&w.l.tx)
			return b
		}
		echo("hello")
		w.send(update(0))
		echo("again")
		w.send(append(update(1), w.record(typeApplicationData, []byte("last"))...))
		w.plain("last" + closeNotify)
		w.end()

		w = r.wireTo(resumes)
		echo("hello")
		r.do(func() {
			for _, c := range r.e.conns {
				if c != nil && c.phase == phaseLayer {
					c.layer.tx.left = 1
				}
			}
			k.made = gcmRecords
		})
		echo("last")
		w.plain(closeNotify)
		w.end()
		r.do(func() {
			if st := r.e.Stats(); st.Spent != 2 || st.Kernelled != 2 {
				t.Errorf("%+v", st)
			}
		})
	})
}
