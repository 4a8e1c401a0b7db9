package peer

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"sync"
	"testing"
)

// handedOut are the ports that FreePort has named, which the servers they are for may not have bound yet.
var handedOut sync.Map

// FreePort is an address of the loopback interface on which nothing listens. Its port lies below those that the kernel
// chooses for port 0 and for connections: between this look and the server's bind nobody gets it by chance.
func FreePort(t testing.TB) string {
	t.Helper()
	end := lowestEphemeral(t)
	first := min(10000, end/2)
	for range 1000 {
		port := first + rand.IntN(end-first)
		if _, taken := handedOut.LoadOrStore(port, true); taken {
			continue
		}
		addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
		l, err := net.Listen("tcp", addr)
		if err != nil {
			continue
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		return addr
	}
	t.Fatalf("no port between %d and %d is free", first, end)
	return ""
}

// lowestEphemeral is the lowest port that the kernel chooses by itself.
func lowestEphemeral(t testing.TB) int {
	t.Helper()
	const key = "/proc/sys/net/ipv4/ip_local_port_range"
	b, err := os.ReadFile(key)
	if err != nil {
		t.Fatal(err)
	}
	var low, high int
	if _, err := fmt.Sscan(string(b), &low, &high); err != nil {
		t.Fatalf("%s: %v", key, err)
	}
	if low < 4096 {
		t.Fatalf("%s begins at %d, which leaves no ports for the servers of tests", key, low)
	}
	return low
}
