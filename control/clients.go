package control

import (
	"cmp"
	"slices"
	"time"

	"github.com/anygate/anygate/control/admin"
	"github.com/anygate/anygate/gateway"
)

// Clients are the connections of clients that have moved the most bytes, and those that are there for longest, most of each.
// The shards describe theirs bit by bit, between other work.
func (s *Server) Clients(most int) ([]admin.Client, error) {
	type found struct {
		gateway.Client
		shard int
	}
	heavier := func(a, b found) int { return cmp.Compare(b.Sent+b.Received, a.Sent+a.Received) }
	older := func(a, b found) int { return cmp.Compare(b.Age, a.Age) }
	var heavy, old []found
	// keep leaves the first ones of a list, in their order.
	keep := func(list []found, order func(a, b found) int) []found {
		slices.SortStableFunc(list, order)
		return list[:min(len(list), most)]
	}
	late := time.Now().Add(walkTime)
	from, over := make([]uint32, len(s.shards)), make([]bool, len(s.shards))
	for slices.Contains(over, false) && time.Now().Before(late) {
		lists := make([][]gateway.Client, len(s.shards))
		answered := s.ask(askTime, func(i int, sh *shard) func() {
			if over[i] {
				return nil
			}
			list := make([]gateway.Client, 0, walkPlaces)
			return func() { lists[i], from[i] = sh.Clients(list, from[i], walkPlaces) }
		})
		for i, ok := range answered {
			switch {
			case over[i]:
				continue
			case !ok:
				return nil, errSilent
			}
			over[i] = from[i] == 0
			for _, c := range lists[i] {
				heavy, old = append(heavy, found{c, i}), append(old, found{c, i})
			}
		}
		heavy, old = keep(heavy, heavier), keep(old, older)
	}
	for _, o := range old {
		if !slices.ContainsFunc(heavy, func(f found) bool { return f.Client.Same(&o.Client) && f.shard == o.shard }) {
			heavy = append(heavy, o)
		}
	}
	s.ask(askTime, func(i int, sh *shard) func() {
		var theirs []*gateway.Client
		for k := range heavy {
			if heavy[k].shard == i {
				theirs = append(theirs, &heavy[k].Client)
			}
		}
		if theirs == nil {
			return nil
		}
		return func() { sh.Name(theirs) }
	})
	out := make([]admin.Client, len(heavy))
	for i, f := range heavy {
		out[i] = admin.Client{
			Shard: f.shard, Protocol: f.Protocol.String(), TLS: f.TLS, Tunnel: f.Tunnel, Seconds: int64(f.Age / time.Second),
			Sent: f.Sent, Received: f.Received, Active: f.Active, Route: f.Route,
		}
		if f.Peer.IsValid() {
			out[i].Peer = f.Peer.String()
		}
	}
	return out, nil
}
