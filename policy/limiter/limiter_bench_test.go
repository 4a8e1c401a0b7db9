package limiter

import (
	"net/netip"
	"sync/atomic"
	"testing"
	"time"
)

// BenchmarkBucket is one route's limit, taken by all cores at a time.
func BenchmarkBucket(b *testing.B) {
	bucket := NewBucket(1e9, time.Second, 1e9, 256)
	var shards atomic.Int64
	b.RunParallel(func(pb *testing.PB) {
		shard, now := int(shards.Add(1)-1)%256, int64(time.Hour)
		for pb.Next() {
			now += 100
			bucket.Take(shard, now)
		}
	})
}

// BenchmarkTable is a limit by address, with many addresses.
func BenchmarkTable(b *testing.B) {
	table := NewTable(1e6, time.Second, 1e6, 1<<16)
	now := int64(time.Hour)
	for i := 0; b.Loop(); i++ {
		now += 1000
		table.Take(table.hash.Addr(netip.AddrFrom4([4]byte{10, 0, byte(i >> 4), byte(i)})), now)
	}
}

// BenchmarkTableRefuses is what a client costs that goes on.
func BenchmarkTableRefuses(b *testing.B) {
	table := NewTable(1, time.Hour, 1, 1<<16)
	client := netip.AddrFrom4([4]byte{192, 0, 2, 1})
	for b.Loop() {
		table.Take(table.hash.Addr(client), int64(time.Hour))
	}
}

// BenchmarkTally is a count of what is under way by address.
func BenchmarkTally(b *testing.B) {
	tally := NewTally(100, 1<<16)
	client := netip.AddrFrom4([4]byte{192, 0, 2, 1})
	for b.Loop() {
		if slot, ok := tally.Enter(tally.hash.Addr(client)); ok {
			tally.Leave(slot)
		}
	}
}
