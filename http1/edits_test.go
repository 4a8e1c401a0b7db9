package http1

import "testing"

func TestEdits(t *testing.T) {
	const block = "Server: up\r\nX-A: 1\r\nx-a: 2\r\nX-AB: 3\r\n"
	for _, c := range []struct {
		name string
		edit func(e *Edits)
		want string
	}{
		{"nothing", func(*Edits) {}, block},
		{"add", func(e *Edits) { e.Add("X-A", "9") }, block + "X-A: 9\r\n"},
		{"remove all of a name, and no other", func(e *Edits) { e.Remove("X-a") }, "Server: up\r\nX-AB: 3\r\n"},
		{"set", func(e *Edits) { e.Set("X-A", "9") }, "Server: up\r\nX-AB: 3\r\nX-A: 9\r\n"},
		{"set what is not there", func(e *Edits) { e.Set("X-C", "") }, block + "X-C: \r\n"},
		{"remove what was added", func(e *Edits) { e.Add("X-C", "1"); e.Add("X-D", "2"); e.Remove("x-c") }, block + "X-D: 2\r\n"},
		{"set what was added", func(e *Edits) { e.Add("X-C", "1"); e.Set("X-C", "2") }, block + "X-C: 2\r\n"},
		{"add behind set", func(e *Edits) { e.Set("Server", "a"); e.Add("server", "b") }, "X-A: 1\r\nx-a: 2\r\nX-AB: 3\r\nServer: a\r\nserver: b\r\n"},
		{"remove everything", func(e *Edits) { e.Remove("X-A"); e.Remove("X-AB"); e.Remove("Server") }, ""},
	} {
		var e Edits
		c.edit(&e)
		// What is before the offset is no field line, whatever it looks like.
		const before = "X-A: in front\r\n"
		if got := string(e.Apply([]byte(before+block), len(before))); got != before+c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
		if room := len(before+block) + e.Room(); len(before+c.want) > room {
			t.Errorf("%s: the result is longer than %d", c.name, room)
		}
	}
}

func TestEditsWith(t *testing.T) {
	var e Edits
	e.Set("Host", "a")
	e.Remove("X-A")
	with := e.With([]byte("X-A: 2\r\n"))
	if got := string(with.Apply([]byte("Host: h\r\nX-A: 1\r\nX-B: 1\r\n"), 0)); got != "X-B: 1\r\nX-A: 2\r\n" || with.Room() != 8 || with.Host() != nil {
		t.Errorf("got %q, %d, %q", got, with.Room(), with.Host())
	}
	if string(e.Host()) != "a" {
		t.Errorf("the edits have changed: %q", e.Host())
	}
}

func TestEditsAllocateNothing(t *testing.T) {
	var e Edits
	e.Remove("Server")
	e.Set("Cache-Control", "no-store")
	const block = "Server: up\r\nContent-Type: text/plain\r\nCache-Control: public\r\n"
	b := make([]byte, 0, 4096)
	if n := testing.AllocsPerRun(100, func() { b = e.Apply(append(b[:0], block...), 0) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
