package tlsedge

import (
	"io"
	"runtime"
	"testing"
)

// TestRecordsAllocateNothing answers thousands of records on each loop, small ones
// and large ones, and counts the allocations of the whole process.
func TestRecordsAllocateNothing(t *testing.T) {
	onBoth(t, func(t *testing.T, r *rig) {
		r.start()
		for _, size := range []int{100, recordContent} {
			w := r.wireTo(nil)
			records := 10_000
			if size > 1000 || testing.Short() {
				records = 2_000
			}
			out, in := make([]byte, sealed(size)), make([]byte, sealed(recordContent))
			content := pattern(size)
			tickets := 1
			round := func() {
				copy(out[recordHead:], content)
				if _, err := w.Conn.Write(out[:w.l.seal(out, size, typeApplicationData)]); err != nil {
					t.Fatal(err)
				}
				for got := 0; got < size; {
					if _, err := io.ReadFull(w.Conn, in[:recordHead]); err != nil {
						t.Fatal(err)
					}
					n := recordLength(in)
					if _, err := io.ReadFull(w.Conn, in[recordHead:n]); err != nil {
						t.Fatal(err)
					}
					data, kind, alert := w.l.open(in[:n])
					if alert != 0 {
						t.Fatal(alert)
					}
					if kind == typeHandshake && tickets > 0 {
						tickets--
						continue
					}
					got += len(data)
				}
			}
			for range 200 {
				round()
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			for range records {
				round()
			}
			runtime.ReadMemStats(&after)
			if n := after.Mallocs - before.Mallocs; n > 200 {
				t.Errorf("%d allocations for %d records of %d bytes", n, records, size)
			}
		}
	})
}

// TestLayerAllocatesNothing is about single records.
func TestLayerAllocatesNothing(t *testing.T) {
	for name, s := range allSuites {
		a, b := pairOf(s)
		buf := make([]byte, sealed(1000))
		if n := testing.AllocsPerRun(100, func() {
			if _, _, alert := b.open(buf[:a.seal(buf, 1000, typeApplicationData)]); alert != 0 {
				t.Fatal(alert)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations for a record sealed and opened", name, n)
		}
	}
}

// TestCoversAllocatesNothing, as it is asked for every request.
func TestCoversAllocatesNothing(t *testing.T) {
	server := testServer(t)
	c := &Conn{server: server, state: State{ServerName: "a.example", terms: -1}}
	for _, host := range []string{"a.example", "A.Example:8443", "b.example", "c.example", "192.0.2.1"} {
		h := []byte(host)
		if n := testing.AllocsPerRun(100, func() { c.Covers(h) }); n != 0 {
			t.Errorf("%s: %v allocations", host, n)
		}
	}
}
