package discovery

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"
)

// Options are how names are resolved. The zero value is the system's way.
type Options struct {
	// ResolvConf and Hosts are the paths of the files, if not in /etc.
	ResolvConf, Hosts string
	// Log is told what happens to watched names. It is called from several
	// goroutines.
	Log func(Event)
}

// Event is something that has happened to a watched name.
type Event struct {
	Query Query
	// Err is why a look-up has failed, and Failures how many have in a row.
	// If Err is nil and Failures is not 0, the name resolves again after so
	// many failures.
	Err      error
	Failures int
	// Added and Removed are how the addresses have changed.
	Added, Removed []Endpoint
}

// Discovery resolves names and watches them. Its methods may be called from
// any goroutine.
type Discovery struct {
	log  func(Event)
	look func(ctx context.Context, q Query, known memory) (Answer, error)
	res  *resolver

	ctx    context.Context
	cancel context.CancelFunc
	slots  chan struct{}
	wait   sync.WaitGroup

	mu    sync.Mutex
	names map[string]*name
}

// New makes a Discovery. It reads no file and asks nobody yet.
func New(o Options) *Discovery {
	d := &Discovery{
		log:   o.Log,
		res:   newResolver(o),
		slots: make(chan struct{}, parallel),
		names: make(map[string]*name),
	}
	if d.log == nil {
		d.log = func(Event) {}
	}
	d.look = d.res.look
	d.ctx, d.cancel = context.WithCancel(context.Background())
	return d
}

// Close ends all watches. No callback is under way when it returns; it is not
// to be called from one.
func (d *Discovery) Close() {
	d.mu.Lock()
	d.cancel()
	d.mu.Unlock()
	d.wait.Wait()
}

// Lookup resolves a name once. If that fails and the name is being watched,
// the answer is the last good one. Errors are of type *net.DNSError.
func (d *Discovery) Lookup(ctx context.Context, q Query) (Answer, error) {
	a, err := d.once(ctx, q, nil)
	if err == nil {
		return a, nil
	}
	d.mu.Lock()
	n := d.names[q.key()]
	d.mu.Unlock()
	if n == nil {
		return Answer{}, err
	}
	if last := n.endpoints(); len(last) > 0 {
		return Answer{Endpoints: last, Partial: err}, nil
	}
	return Answer{}, err
}

// once resolves a name when it is its turn.
func (d *Discovery) once(ctx context.Context, q Query, known memory) (Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	select {
	case d.slots <- struct{}{}:
		defer func() { <-d.slots }()
	case <-ctx.Done():
		return Answer{}, failed(q.Name, "", ctx.Err())
	}
	return d.look(ctx, q, known)
}

// Watch is someone's interest in a name.
type Watch struct {
	d       *Discovery
	n       *name
	last    []Endpoint // what the watcher knows; only the name's goroutine touches it
	changed func([]Endpoint)
}

// Watch keeps a name up to date. The answer is what the caller knows of it,
// from Lookup; if it is empty, the name is looked up at once. changed is called when there is something else to know, with all
// endpoints of the name, at least one. Calls are made one after the other from
// a goroutine of the name; the list is shared and not to be modified.
func (d *Discovery) Watch(q Query, known Answer, changed func([]Endpoint)) *Watch {
	w := &Watch{d: d, last: known.Endpoints, changed: changed}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ctx.Err() != nil {
		return w
	}
	n := d.names[q.key()]
	if n == nil {
		n = newName(d, q)
		d.names[q.key()] = n
		d.wait.Go(n.run)
	}
	w.n = n
	n.add(w, known)
	return w
}

// Stop ends a watch. It does not wait: a call that has begun may still be
// under way.
func (w *Watch) Stop() {
	d, n := w.d, w.n
	if n == nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if n.remove(w) {
		n.cancel()
		if key := n.q.key(); d.names[key] == n {
			delete(d.names, key)
		}
	}
}

// Status is how a watched name is doing.
type Status struct {
	Query     Query
	Endpoints []Endpoint
	// Good is when it was last resolved.
	Good time.Time
	// Failures is how many look-ups have failed since, the last with Err.
	Failures int
	Err      error
}

// Status is how all watched names are doing, by name.
func (d *Discovery) Status() []Status {
	d.mu.Lock()
	names := make([]*name, 0, len(d.names))
	for _, key := range slices.Sorted(maps.Keys(d.names)) {
		names = append(names, d.names[key])
	}
	d.mu.Unlock()
	list := make([]Status, len(names))
	for i, n := range names {
		list[i] = n.status()
	}
	return list
}
