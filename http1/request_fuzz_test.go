package http1

import "testing"

// FuzzRequest checks what must hold for any bytes: the result does not depend on how they are split, no span leaves the
// head, and net/http reads an accepted request in the same way.
func FuzzRequest(f *testing.F) {
	for _, tt := range validRequests {
		f.Add([]byte(tt.in))
	}
	for _, tt := range invalidRequests {
		f.Add([]byte(tt.in))
	}
	for _, tt := range smuggling {
		f.Add([]byte(field(tt.fields) + "5\r\nhello\r\n0\r\n\r\nGET / HTTP/1.1\r\n"))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 8<<10 {
			return
		}
		var r Request
		n, err := r.Scan(b, &DefaultLimits)
		checkHead(t, b, n, err, func(part []byte) (int, Error) {
			var other Request
			return other.Scan(part, &DefaultLimits)
		})
		if n == 0 || err != OK {
			return
		}
		for _, s := range []Span{r.Method, r.Target, r.Path, r.Query, r.Host, r.HostName} {
			if int(s.Off)+int(s.Len) > n {
				t.Fatalf("span %v of a head of %d bytes", s, n)
			}
		}
		checkFields(t, &r.Head, n)
		compareRequest(t, &r, b, n)
	})
}

// FuzzResponse is FuzzRequest for responses.
func FuzzResponse(f *testing.F) {
	for _, tt := range validResponses {
		f.Add([]byte(tt.in), uint8(GET))
	}
	for _, tt := range invalidResponses {
		f.Add([]byte(tt.in), uint8(GET))
	}
	for _, tt := range smuggling {
		f.Add([]byte("HTTP/1.1 200 OK\r\n"+tt.fields+"\r\n\r\n5\r\nhello\r\n0\r\n\r\n"), uint8(HEAD))
	}
	f.Fuzz(func(t *testing.T, b []byte, method uint8) {
		if len(b) > 8<<10 {
			return
		}
		var r Response
		n, err := r.Scan(b, &DefaultLimits)
		checkHead(t, b, n, err, func(part []byte) (int, Error) {
			var other Response
			return other.Scan(part, &DefaultLimits)
		})
		if n == 0 || err != OK {
			return
		}
		if r.Status < 100 || r.Status > 999 {
			t.Fatalf("status %d", r.Status)
		}
		checkFields(t, &r.Head, n)
		m := MethodID(method%uint8(numMethods-1)) + 1
		if m == CONNECT {
			m = GET // net/http has no notion of the tunnel behind the response
		}
		compareResponse(t, &r, b, n, m)
	})
}

// checkHead checks the result n, err of scanning b against scanning what precedes and what follows.
func checkHead(t *testing.T, b []byte, n int, err Error, scan func([]byte) (int, Error)) {
	t.Helper()
	if n < 0 || n > len(b) || (err != OK && err.Status() < 400) {
		t.Fatalf("%d of %d bytes, %v", n, len(b), err)
	}
	end := HeadEnd(b, 0)
	if err == OK && n != end {
		t.Fatalf("%q: Scan ends at %d, HeadEnd at %d", b, n, end)
	}
	step := 1 + len(b)/256
	for cut := 0; cut < len(b); cut += step {
		m, e := scan(b[:cut:cut])
		switch {
		case err == OK && n != 0 && cut >= n:
			if m != n || e != OK {
				t.Fatalf("%q, cut at %d: %d, %v; the whole gives %d", b, cut, m, e, n)
			}
		case e != OK && e != err, e == OK && m != 0 && m != n:
			t.Fatalf("%q, cut at %d: %d, %v; the whole gives %d, %v", b, cut, m, e, n, err)
		}
		if end != 0 && cut <= end && HeadEnd(b, cut) != end && cut < end {
			t.Fatalf("%q: HeadEnd from %d is %d, want %d", b, cut, HeadEnd(b, cut), end)
		}
	}
}

// checkFields checks the field table of a head of n bytes.
func checkFields(t *testing.T, h *Head, n int) {
	t.Helper()
	for i := range h.Fields {
		f := &h.Fields[i]
		if int(f.Value.Off)+int(f.Value.Len) > n || f.Name.Off+f.Name.Len >= f.Value.Off+f.Value.Len+1 {
			t.Fatalf("field %d is %v in a head of %d bytes", i, *f, n)
		}
		if !IsToken(h.Name(f)) || !IsFieldValue(h.Value(f)) {
			t.Fatalf("field %q: %q is invalid", h.Name(f), h.Value(f))
		}
		if f.ID != LookupField(h.Name(f)) {
			t.Fatalf("field %q has the ID %d", h.Name(f), f.ID)
		}
		if f.ID != FieldOther && (h.First(f.ID) > i || !h.Has(f.ID)) {
			t.Fatalf("the index of %v is %d", f.ID, h.First(f.ID))
		}
	}
}
