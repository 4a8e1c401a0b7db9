package proxy

import (
	"testing"

	"github.com/anygate/anygate/engine"
)

func TestFlow(t *testing.T) {
	const small, large = 100, engine.SmallBuffer
	var f Flow
	feed := func(size, n int, want bool) {
		t.Helper()
		got := false
		for range n {
			got = f.Received(size)
		}
		if got != want {
			t.Errorf("after %d pieces of %d bytes: bulk is %t, want %t", n, size, got, want)
		}
	}
	feed(small, 100, false)
	feed(large, flowLevels-1, false)
	feed(large, 1, true)
	feed(large, 100, true)
	feed(small, flowLevels-1, true) // the last piece of a burst is often small
	feed(large, 3, true)
	feed(small, flowLevels, false)
	feed(large, flowLevels-1, false)
	f = Flow{}
	for range 50 { // answers of a piece and a bit
		feed(large, 1, false)
		feed(small, 1, false)
	}
}
