package balance

import (
	"fmt"
	"testing"
)

func BenchmarkPick(b *testing.B) {
	for _, n := range []int{1, 3, 200} {
		for _, policy := range policies {
			for _, equal := range []bool{true, false} {
				if n == 1 && !equal {
					continue
				}
				b.Run(fmt.Sprintf("%v/%d/equal=%v", policy, n, equal), func(b *testing.B) {
					list := members(n)
					if !equal {
						list[0].Weight = 2
					}
					v, p := view(list), picker(1)
					for i := range n {
						v.Observe(v.Slot(i), 1e6, true, 0)
					}
					ask := Ask{Policy: policy, Now: 1}
					b.ReportAllocs()
					for k := 0; b.Loop(); k++ {
						ask.Key = uint64(k)
						s := v.Slot(p.Pick(v, &ask))
						v.Began(s)
						v.Ended(s)
					}
				})
			}
		}
	}
}

func BenchmarkPickAgain(b *testing.B) {
	v, p := view(members(200)), picker(1)
	tried := [1]Slot{v.Slot(7)}
	ask := Ask{Tried: tried[:]}
	for b.Loop() {
		p.Pick(v, &ask)
	}
}

func BenchmarkNewSet(b *testing.B) {
	for _, n := range []int{3, 200} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			list := members(n)
			for b.Loop() {
				NewSet(list)
			}
		})
	}
}

func BenchmarkSum(b *testing.B) {
	key := []byte("session=8c9d2f7a51b34e60a1d2")
	for b.Loop() {
		Sum(key)
	}
}
