package gateway

import (
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/anygate/anygate/engine"
	"github.com/anygate/anygate/policy/limiter"
)

// Overload is what a shard does not see itself: that the process is short of
// memory. It is shared by all shards and read once a turn.
type Overload struct {
	memory atomic.Bool
	_      [60]byte
}

// SetMemory says whether memory is short. From any goroutine.
func (o *Overload) SetMemory(short bool) {
	if o.memory.Load() != short {
		o.memory.Store(short)
	}
}

// shedder decides whether new requests are turned away. What is in flight goes
// on: it has cost the most already, and ends the soonest.
type shedder struct {
	reason  string // why all are, for the access log; empty if they are not
	buffers bool   // those are that would be passed on, for want of buffers
	since   int64  // when turns became too long; 0 if they are not
}

// The reasons.
const (
	shortOfBuffers = "overload_buffers"
	shortOfMemory  = "overload_memory"
	shortOfTime    = "overload_latency"
)

// look is called at the beginning of each turn.
//
// A loop whose turns are long has more to do than it can. One long turn is no
// sign of that, the scheduler's or the collector's doing maybe, so nothing is
// shed before turns have been too long for lagPatience. With nothing new to do
// turns become short at once, and the first that is lets requests in again: a
// loop at its limit alternates, and serves as many as it can within the time.
func (d *shedder) look(now int64, lag, most time.Duration, exhausted, short bool) {
	d.reason = ""
	if most <= 0 || lag < most {
		d.since = 0
	} else {
		if d.since == 0 {
			d.since = now
		}
		if now-d.since >= int64(lagPatience) {
			d.reason = shortOfTime
		}
	}
	if short {
		d.reason = shortOfMemory
	}
	// What is answered from here needs a buffer for a moment, and goes on being
	// served; an exchange with an upstream holds several for as long as that
	// takes.
	d.buffers = exhausted
}

// overloadPage is what costs the least to say.
var overloadPage = newFixed(503, []byte("Content-Type: text/plain; charset=utf-8\r\nRetry-After: 1\r\n"), []byte("503 Service Unavailable\n"))

// turnAway answers a request that is not carried out, for a reason.
func (x *Exchange) turnAway(reason string) {
	x.log.reason = reason
	x.g.turnedAway.Add(1)
	x.prebuilt(overloadPage)
}

// TurnedAway is how many requests were answered with 503 because of overload.
// From any goroutine.
func (g *Gateway) TurnedAway() uint64 { return g.turnedAway.Load() }

// place is where a connection is counted, by its index.
type place struct {
	tally *limiter.Tally // nil if it is not
	slot  limiter.Slot
}

// countClient counts a new connection for its address, or reports that the
// address has too many. A connection that is refused has not cost anything but
// its accept, and is reset, so that it costs nothing from then on.
//
// Those whose word on who the client is counts have as many as they like:
// they are proxies with many clients behind them. So have unix sockets.
func (g *Gateway) countClient(c engine.Conn, peer netip.Addr) bool {
	set := &g.gen.Settings
	if set.PerAddress == nil || !peer.IsValid() || set.Trust.Contains(peer) {
		return true
	}
	slot, ok := set.PerAddress.Enter(set.PerAddress.Hash().Addr(peer))
	if !ok {
		g.refusedClients.Add(1)
		g.countRefused("address_limit")
		return false
	}
	i := int(c.Index())
	for len(g.places) <= i {
		g.places = append(g.places, place{})
	}
	g.places[i] = place{set.PerAddress, slot}
	return true
}

// uncountClient follows the end of a connection, whether it was counted or not.
func (g *Gateway) uncountClient(c engine.Conn) {
	i := int(c.Index())
	if i >= len(g.places) || g.places[i].tally == nil {
		return
	}
	g.places[i].tally.Leave(g.places[i].slot)
	g.places[i] = place{}
}

// RefusedClients is how many connections were refused because their address had
// too many. From any goroutine.
func (g *Gateway) RefusedClients() uint64 { return g.refusedClients.Load() }
