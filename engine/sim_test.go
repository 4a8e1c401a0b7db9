package engine

import (
	"net/netip"
	"runtime"
	"testing"
)

// smallLimits suit a test with a handful of connections.
var smallLimits = Limits{Connections: 64, Clients: 48, SmallBuffers: 1024, LargeBuffers: 256}

// testAddr is dialled where the simulation decides what is there.
var testAddr = TCPAddr(netip.MustParseAddrPort("192.0.2.1:80"))

func lockThread() { runtime.LockOSThread() }

func newSim(t testing.TB, seed uint64, f Faults, l Limits, h Handler) *Sim {
	t.Helper()
	m, err := NewSim(seed, f, l, h)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Release)
	return m
}

func mustRun(t testing.TB, m *Sim, done func() bool) {
	t.Helper()
	if err := m.Run(100_000, done); err != nil {
		t.Fatal(err)
	}
}
