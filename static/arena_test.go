package static

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

func TestFindRun(t *testing.T) {
	tests := []struct {
		title string
		free  uint64
		n     int
		want  int
	}{
		{"none free", 0, 1, -1},
		{"all free, all wanted", ^uint64(0), 64, 0},
		{"one short of all", ^uint64(1), 64, -1},
		{"63 at the top", ^uint64(1), 63, 1},
		{"a gap that fits", 0b1110_1100, 3, 5},
		{"the lowest gap", 0b1110_1100, 2, 2},
		{"alternating bits", 0x5555_5555_5555_5555, 2, -1},
		{"the last unit", 1 << 63, 1, 63},
		{"does not wrap", 1<<63 | 1, 2, -1},
	}
	for _, test := range tests {
		t.Run(test.title, func(t *testing.T) {
			if got := findRun(test.free, test.n); got != test.want {
				t.Errorf("got %d, want %d", got, test.want)
			}
		})
	}
}

// TestArenaRandom allocates and releases at random. Each chunk is filled with a
// mark of its own, so an overlap shows.
func TestArenaRandom(t *testing.T) {
	const pages = 8
	a, err := newArena(pages*pageSize + 100)
	if err != nil {
		t.Fatal(err)
	}
	defer a.close()
	if len(a.free) != pages {
		t.Fatalf("%d pages, want %d", len(a.free), pages)
	}
	type chunk struct {
		extent
		bytes []byte
		mark  byte
	}
	var held []chunk
	random := rand.New(rand.NewPCG(1, 2))
	refused := 0
	for i := range 20_000 {
		if random.IntN(5) < 3 {
			n := 1 + random.IntN(pageSize)
			if random.IntN(2) == 0 {
				n = 1 + random.IntN(3*unitSize)
			}
			x, ok := a.allocate(n)
			if !ok {
				refused++
				continue
			}
			c := chunk{x, a.bytes(x, n), byte(i)}
			for j := range c.bytes {
				c.bytes[j] = c.mark
			}
			held = append(held, c)
			continue
		}
		if len(held) == 0 {
			continue
		}
		j := random.IntN(len(held))
		c := held[j]
		if !bytes.Equal(c.bytes, bytes.Repeat([]byte{c.mark}, len(c.bytes))) {
			t.Fatalf("step %d: a chunk of %d octets was overwritten", i, len(c.bytes))
		}
		a.release(c.extent)
		held = append(held[:j], held[j+1:]...)
	}
	if refused == 0 {
		t.Error("the arena was never full")
	}
	for _, c := range held {
		a.release(c.extent)
	}
	for page, free := range a.free {
		if free != ^uint64(0) {
			t.Errorf("page %d has %064b free after everything was released", page, free)
		}
	}
	if a.used != 0 {
		t.Errorf("%d octets are in use after everything was released", a.used)
	}
}

func TestArenaRefuses(t *testing.T) {
	a, err := newArena(pageSize)
	if err != nil {
		t.Fatal(err)
	}
	defer a.close()
	for _, n := range []int{0, -1, pageSize + 1} {
		if _, ok := a.allocate(n); ok {
			t.Errorf("gave %d octets", n)
		}
	}
	x, ok := a.allocate(pageSize)
	if !ok {
		t.Fatal("refused a whole page")
	}
	a.release(x)
	defer func() {
		if recover() == nil {
			t.Error("released twice without a panic")
		}
	}()
	a.release(x)
}
