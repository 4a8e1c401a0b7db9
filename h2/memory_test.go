package h2

import (
	"runtime"
	"testing"
	"unsafe"
)

// TestIdleMemory: what connections of browsers hold while nothing is under way.
func TestIdleMemory(t *testing.T) {
	first, later := browserRequests(8)
	r := &rig{t: t, sc: NewScratch()}
	begin := func(c *Conn) {
		c.Accept(r.sc, &DefaultConfig)
		r.c = c
		r.serve([]byte(Preface + noSettings))
		r.serve(first)
		r.serve(later)
		c.Next([]byte(get(99)), &r.ev)
		r.sc.Out = c.AppendResponse(r.sc.Out, r.ev.Stream, &responseHead, true)
		c.Release(r.ev.Stream)
		c.Idle()
		r.sc.Out = r.sc.Out[:0]
	}
	begin(new(Conn)) // what is shared
	const n = 500
	conns := make([]Conn, n)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range conns {
		begin(&conns[i])
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	each := int(after.HeapAlloc-before.HeapAlloc) / n
	t.Logf("%d bytes beside a record of %d", each, unsafe.Sizeof(Conn{}))
	if each > 2048 {
		t.Errorf("an idle connection holds %d bytes beside its record", each)
	}
	runtime.KeepAlive(conns)
}
