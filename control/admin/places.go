package admin

import (
	"context"
	"net"
	"net/http"
	"slices"
	"sync"
)

// places are those that connections take, of all listeners together. When none is left, whoever comes gets that of the
// connection that has asked for nothing for longest: connections that only stay, whoever has made them, keep nobody from
// asking how the process is.
type places struct {
	mu    sync.Mutex
	freed sync.Cond
	taken []*place // the one that has come, or has asked, last is the last one
}

// place is a connection that has one.
type place struct {
	net.Conn
	all  *places
	via  net.Listener
	busy bool // an answer is under way
	// gone says that via is not listened on any more: what is under way is answered, and nothing further.
	gone bool
}

func newPlaces() *places {
	p := &places{}
	p.freed.L = &p.mu
	return p
}

// take gives a connection a place, as soon as there is one that is not busy.
func (p *places) take(c net.Conn, via net.Listener) *place {
	next := &place{Conn: c, all: p, via: via}
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.taken) >= maxConnections {
		i := slices.IndexFunc(p.taken, func(t *place) bool { return !t.busy })
		if i < 0 {
			p.freed.Wait()
			continue
		}
		_ = p.taken[i].Conn.Close()
		p.taken = slices.Delete(p.taken, i, i+1)
	}
	p.taken = append(p.taken, next)
	return next
}

// leave ends the connections of a listener: who has come by an address that is closed, which was open to others perhaps,
// does not go on by the terms of those that are left.
func (p *places) leave(via net.Listener) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.taken = slices.DeleteFunc(p.taken, func(t *place) bool {
		if t.via != via {
			return false
		}
		t.gone = true
		if !t.busy {
			_ = t.Conn.Close()
		}
		return !t.busy
	})
	p.freed.Broadcast()
}

// Close leaves the place.
func (c *place) Close() error {
	c.all.mu.Lock()
	if i := slices.Index(c.all.taken, c); i >= 0 {
		c.all.taken = slices.Delete(c.all.taken, i, i+1)
	}
	c.all.mu.Unlock()
	c.all.freed.Broadcast()
	return c.Conn.Close()
}

// answering says that the connection asks for something, or has been answered. It reports whether it may ask.
func (c *place) answering(now bool) bool {
	p := c.all
	p.mu.Lock()
	defer p.mu.Unlock()
	c.busy = now
	if i := slices.Index(p.taken, c); i >= 0 {
		p.taken = append(slices.Delete(p.taken, i, i+1), c)
	}
	p.freed.Broadcast()
	return !c.gone
}

// placeKey is that of a connection's place in the context of its requests.
type placeKey struct{}

func withPlace(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, placeKey{}, c)
}

// seated has connections keep their places while they are answered. It is for those that have the right to ask: who asks
// for what is open to everybody, and does not read the answers, has to give way too.
func seated(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c, ok := r.Context().Value(placeKey{}).(*place); ok {
			defer c.answering(false)
			if !c.answering(true) {
				panic(http.ErrAbortHandler) // which closes the connection
			}
		}
		next.ServeHTTP(w, r)
	})
}

// placed is a listener whose connections take places.
type placed struct {
	net.Listener
	places *places
}

func (l *placed) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return l.places.take(c, l.Listener), nil
}
