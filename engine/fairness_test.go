package engine

import (
	"fmt"
	"math"
	"net"
	"testing"
)

// TestAcceptIsFair opens connections to an address that several shards listen
// on. Each connection goes to a shard by a hash of its addresses, which is as
// good as a die: what a shard gets is binomially distributed. A bound of six
// standard deviations is passed by chance once in some hundred million runs,
// and by no kernel that prefers one shard.
func TestAcceptIsFair(t *testing.T) {
	onBoth(t, func(t *testing.T, kind Kind) {
		for _, shards := range []int{2, 4, 8} {
			t.Run(fmt.Sprintf("%d shards", shards), func(t *testing.T) {
				const connections, deviations = 1000, 6
				rigs := []*rig{start(t, kind, smallLimits, Handler{})}
				addr := rigs[0].addr
				for range shards - 1 {
					fd, err := Listen(addr)
					if err != nil {
						t.Fatal(err)
					}
					// Only the first counts the descriptors of the process: it
					// is stopped last, and began first.
					r := &rig{t: t, addr: addr, lis: fd, fds: -1}
					r.run(kind, smallLimits, Handler{})
					rigs = append(rigs, r)
				}
				for _, r := range rigs {
					r.do(func() { r.s.handler.EOF = r.s.Close })
				}
				for range connections {
					c, err := net.DialTimeout("tcp", addr.String(), patience)
					if err != nil {
						t.Fatal(err)
					}
					_ = c.Close()
				}
				accepted := make([]int, shards)
				rigs[0].eventually("all are accepted", func() bool {
					total := int(rigs[0].s.Stats().Accepted)
					accepted[0] = total
					for i, r := range rigs[1:] {
						r.do(func() { accepted[i+1] = int(r.s.Stats().Accepted) })
						total += accepted[i+1]
					}
					return total == connections
				})
				p := 1 / float64(shards)
				mean, deviation := connections*p, math.Sqrt(connections*p*(1-p))
				for i, n := range accepted {
					if math.Abs(float64(n)-mean) > deviations*deviation {
						t.Errorf("shard %d has accepted %d connections, expected are %.0f +- %.0f", i, n, mean, deviation)
					}
				}
				t.Logf("accepted by shard: %v", accepted)
			})
		}
	})
}
