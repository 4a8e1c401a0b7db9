package limiter

import (
	"encoding/binary"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestTableKeepsKeysApart(t *testing.T) {
	table := NewTable(10, time.Second, 10, 1024)
	start := int64(time.Hour)
	allowed := map[uint64]int{}
	for i := range 1000 {
		now := start + int64(i)*int64(time.Millisecond)
		for key := range uint64(20) {
			if table.Take(table.hash.Bytes([]byte{byte(key)}), now).Allowed {
				allowed[key]++
			}
		}
	}
	for key, n := range allowed {
		if n < 19 || n > 20 { // the burst and one second
			t.Errorf("key %d: %d of 1000 were allowed, want 19 or 20", key, n)
		}
	}
}

// TestTableIsExactInParallel has four shards take from one key.
func TestTableIsExactInParallel(t *testing.T) {
	const shards, steps = 4, 2000
	table := NewTable(1000, time.Second, 100, 64)
	var clock, allowed atomic.Int64
	clock.Store(int64(time.Hour))
	var all sync.WaitGroup
	for range shards {
		all.Go(func() {
			for range steps {
				now := clock.Add(int64(time.Second) / (shards * steps))
				for range 5 {
					if table.Take(42, now).Allowed {
						allowed.Add(1)
					}
				}
			}
		})
	}
	all.Wait()
	if got := allowed.Load(); !exact(got, 1100) {
		t.Errorf("%d were allowed in a second, want 1100", got)
	}
}

// TestFloodGivesNothingBack spends a client's tokens and then lets more
// addresses than there are places come by, each with one request. The client
// gets no token back for it, while the strangers get theirs.
func TestFloodGivesNothingBack(t *testing.T) {
	table := NewTable(10, time.Minute, 10, 256)
	now := int64(time.Hour)
	culprit := table.hash.Addr(netip.MustParseAddr("192.0.2.1"))
	for table.Take(culprit, now).Allowed {
	}
	for i := range uint32(100_000) {
		var a [4]byte
		binary.BigEndian.PutUint32(a[:], 0x0a000000+i)
		if v := table.Take(table.hash.Addr(netip.AddrFrom4(a)), now); !v.Allowed {
			t.Fatalf("address %d was refused its first request", i)
		}
		if i%10 == 0 && i < 256 {
			if table.Take(culprit, now).Allowed {
				t.Fatalf("after %d addresses the client has a token again", i)
			}
		}
	}
	// By now every bucket in the table is empty, and who comes back may be a
	// newcomer; it has one request, not ten.
	n := 0
	for table.Take(culprit, now).Allowed {
		n++
	}
	if n > 1 {
		t.Errorf("the flood gave the client %d requests", n)
	}
}

// TestFullBucketsMakeRoom checks that keys which have been quiet cost newcomers
// nothing.
func TestFullBucketsMakeRoom(t *testing.T) {
	table := NewTable(10, time.Second, 10, 64)
	now := int64(time.Hour)
	for key := range uint64(10_000) {
		table.Take(table.hash.Bytes(binary.LittleEndian.AppendUint64(nil, key)), now)
	}
	now += int64(time.Second)
	for range 10 {
		if !table.Take(12345, now).Allowed {
			t.Fatal("a newcomer has less than its burst, though all others are quiet")
		}
	}
}

func TestKeysOfAddresses(t *testing.T) {
	h := NewHash()
	for _, test := range []struct {
		a, b string
		same bool
	}{
		{"192.0.2.1", "192.0.2.1", true},
		{"192.0.2.1", "192.0.2.2", false},
		{"192.0.2.1", "::ffff:192.0.2.1", true},
		{"2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff", true},
		{"2001:db8::1", "2001:db8:0:1::1", false},
		{"fe80::1%eth0", "fe80::1%eth1", true},
	} {
		if got := h.Addr(netip.MustParseAddr(test.a)) == h.Addr(netip.MustParseAddr(test.b)); got != test.same {
			t.Errorf("%s and %s have one key: %t, want %t", test.a, test.b, got, test.same)
		}
	}
	if h.Addr(netip.Addr{}) == 0 {
		t.Error("no address is no key")
	}
	a, b := []byte("a"), []byte("b")
	if h.Add(h.Bytes(a), b) == h.Add(h.Bytes(b), a) || h.Add(h.Bytes(a), b) == h.Bytes([]byte("ab")) {
		t.Error("lists of values share a key")
	}
	other := NewHash()
	if h.Bytes(a) == other.Bytes(a) {
		t.Error("two hashes have one seed")
	}
}

func TestNothingIsAllocated(t *testing.T) {
	b, table := NewBucket(1e6, time.Second, 1e6, 2), NewTable(1e6, time.Second, 1e6, 1024)
	tally, counter := NewTally(10, 1024), NewCounter(10)
	four, six := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")
	value := []byte("a key of some length")
	if n := testing.AllocsPerRun(100, func() {
		b.Take(1, 1)
		table.Take(table.hash.Addr(four), 1)
		table.Take(table.hash.Addr(six), 1)
		table.Take(table.hash.Bytes(value), 1)
		if slot, ok := tally.Enter(tally.hash.Addr(six)); ok {
			tally.Leave(slot)
		}
		if counter.Enter() {
			counter.Leave()
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
