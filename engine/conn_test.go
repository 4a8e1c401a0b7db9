package engine

import (
	"testing"
	"unsafe"

	"github.com/anygate/anygate/engine/offheap"
)

func newTable(t testing.TB, n int) *table {
	t.Helper()
	tb := new(table)
	if err := tb.init(n); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { offheap.Unmap(tb.conns) })
	return tb
}

func TestConnNameKeepsIndexAndGeneration(t *testing.T) {
	for _, tc := range []struct{ index, gen uint32 }{{1, 1}, {1<<32 - 1, genMask}, {7, genMask + 3}} {
		c := makeConn(tc.index, tc.gen)
		if c.index() != tc.index || c.Index() != tc.index || c.gen() != tc.gen&genMask || c>>56 != 0 {
			t.Errorf("makeConn(%d, %d) = %#x", tc.index, tc.gen, uint64(c))
		}
	}
}

func TestTableFillsAndReuses(t *testing.T) {
	tb := newTable(t, 3)
	for want := uint32(1); want <= 3; want++ {
		if i := tb.take(); i != want {
			t.Fatalf("took place %d, want %d", i, want)
		}
	}
	if i := tb.take(); i != 0 || tb.open != 3 {
		t.Fatalf("a full table gave place %d, %d open", i, tb.open)
	}
	old := makeConn(2, tb.conns[2].gen)
	tb.conns[2].user = 99
	tb.give(2)
	if i := tb.take(); i != 2 {
		t.Fatalf("took place %d, want the free one", i)
	}
	if c := tb.conns[2]; makeConn(2, c.gen) == old || c.user != 0 || c.fd != -1 || c.flags != flagOpen {
		t.Fatalf("the place kept something of its last connection: %+v", c)
	}
}

func TestTableNeverMakesNoConn(t *testing.T) {
	tb := newTable(t, 1)
	i := tb.take()
	tb.conns[i].gen = genMask // the generation of a place wraps around
	tb.give(i)
	i = tb.take()
	if g := tb.conns[i].gen & genMask; g == 0 {
		t.Error("a connection of generation 0")
	}
}

func TestStaleNamesDoNothing(t *testing.T) {
	m := newSim(t, 1, Faults{}, smallLimits, Handler{})
	s := m.Shard()
	peer := m.NewPeer()
	m.OnDial = func(*Addr) *SimPeer { return peer }
	stale, e := s.Connect(testAddr, 5)
	if e != 0 {
		t.Fatal(e)
	}
	m.Step()
	s.Abort(stale)
	mustRun(t, m, func() bool { return s.Stats().Open == 0 })
	live, e := s.Connect(testAddr, 6)
	if e != 0 || live.Index() != stale.Index() || live == stale {
		t.Fatalf("the new connection is %#x after %#x (%v)", uint64(live), uint64(stale), e)
	}
	m.Step()
	for _, c := range []Conn{stale, NoConn} {
		for name, call := range map[string]func(){
			"Close":         func() { s.Close(c) },
			"Abort":         func() { s.Abort(c) },
			"Drop":          func() { s.Drop(c) },
			"CloseWrite":    func() { s.CloseWrite(c) },
			"Pause":         func() { s.Pause(c) },
			"Resume":        func() { s.Resume(c) },
			"Bulk":          func() { s.Bulk(c, true) },
			"SetUser":       func() { s.SetUser(c, 7) },
			"SetDeadline":   func() { s.SetDeadline(c, 1) },
			"NotifyDrained": func() { s.NotifyDrained(c, 0) },
			"Append":        func() { s.Append(c, []byte("x")) },
			"Relay":         func() { s.Relay(c, []byte("x")) },
			"Commit":        func() { s.Commit(c, 1) },
			"SetTransform":  func() { s.SetTransform(c, nil) },
		} {
			before := s.conns[live.Index()]
			call()
			if s.conns[live.Index()] != before {
				t.Errorf("%s on %#x changed another connection", name, uint64(c))
			}
		}
		if s.Alive(c) || s.User(c) != 0 || s.Queued(c) != 0 || s.Reserve(c, 1) != nil || s.Progress(c) != 0 || s.PeerAddr(c).IsValid() || s.LocalAddr(c).IsValid() {
			t.Errorf("the name %#x still stands for something", uint64(c))
		}
	}
	if !s.Alive(live) || s.User(live) != 6 {
		t.Error("the live connection was harmed")
	}
	if s.Stats().SmallInUse != 0 {
		t.Errorf("%d buffers taken for nobody", s.Stats().SmallInUse)
	}
}

func TestForeignOutputForAStaleNameIsReleased(t *testing.T) {
	var got []uint32
	m := newSim(t, 1, Faults{}, smallLimits, Handler{Released: func(token uint32) { got = append(got, token) }})
	m.Shard().AppendMemory(makeConn(1, 9), 0, 10, 41)
	m.Shard().AppendFile(makeConn(1, 9), -1, 0, 10, 42)
	if len(got) != 2 || got[0] != 41 || got[1] != 42 {
		t.Errorf("released %v, want 41 and 42", got)
	}
}

func TestReasonsHaveCodes(t *testing.T) {
	seen := map[string]bool{}
	for r := ReasonPeer; r <= ReasonMemory; r++ {
		if s := r.String(); s == "none" || seen[s] {
			t.Errorf("reason %d is called %q", r, s)
		}
		seen[r.String()] = true
	}
	if Reason(0).String() != "none" {
		t.Error("no reason has a name")
	}
}

// TestConnIsACacheLine: the table begins with a page, so that every record is
// one line if all have its size.
func TestConnIsACacheLine(t *testing.T) {
	if size := unsafe.Sizeof(conn{}); size != 64 {
		t.Errorf("a connection's record has %d bytes", size)
	}
}
