package cacheline

import "testing"

func TestDisjoint(t *testing.T) {
	Disjoint[[64]byte](t)
	Disjoint[[128]byte](t)
	Disjoint[struct {
		next *int
		rest [1000]byte
	}](t)
	Disjoint[[50_000]byte](t)
	Disjoint[struct {
		hot [72]byte
		_   [Size]byte
	}](t)
}
