package generate

import "testing"

func TestResponse(t *testing.T) {
	tests := []struct {
		name    string
		bytes   string
		status  int
		length  int64
		closing bool
		fault   error
	}{
		{"content", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK", 200, 2, false, nil},
		{"field names in any case", "HTTP/1.1 200 OK\r\nCONTENT-length:2\r\nconnection: Close\r\n\r\nOK", 200, 2, true, nil},
		{"no content", "HTTP/1.1 204 No Content\r\n\r\n", 204, 0, false, nil},
		{"not modified", "HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\n\r\n", 304, 0, false, nil},
		{"empty content", "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", 404, 0, false, nil},
		{"interim answer first", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", 200, 1, false, nil},
		{"chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\n\r\n", 200, 13, false, nil},
		{"trailers", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nA: b\r\n\r\n", 200, 1, false, nil},
		{"not HTTP", "SSH-2.0-server\r\n\r\n", 0, 0, false, errHead},
		{"bad length", "HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\n", 0, 0, false, errHead},
		{"no framing", "HTTP/1.1 200 OK\r\n\r\n", 0, 0, false, errUnbounded},
		{"bad chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", 0, 0, false, errChunk},
		{"chunk longer than said", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n", 0, 0, false, errChunk},
		{"too much", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nab", 0, 0, false, errBeyondDone},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			// Cut the bytes in two at every place, and feed them one by one.
			for cut := 0; cut <= len(test.bytes); cut++ {
				checkResponse(t, test.bytes[:cut], test.bytes[cut:], test.status, test.length, test.closing, test.fault)
			}
			pieces := make([]string, len(test.bytes))
			for i := range test.bytes {
				pieces[i] = test.bytes[i : i+1]
			}
			checkPieces(t, pieces, test.status, test.length, test.closing, test.fault)
		})
	}
}

func checkResponse(t *testing.T, first, second string, status int, length int64, closing bool, fault error) {
	t.Helper()
	checkPieces(t, []string{first, second}, status, length, closing, fault)
}

func checkPieces(t *testing.T, pieces []string, status int, length int64, closing bool, fault error) {
	t.Helper()
	var r response
	done := false
	for _, piece := range pieces {
		if piece == "" {
			continue
		}
		var err error
		if done, err = r.feed([]byte(piece)); err != nil {
			if err != fault {
				t.Fatalf("pieces %q: %v, want %v", pieces, err, fault)
			}
			return
		}
	}
	if fault != nil {
		t.Fatalf("pieces %q: no error, want %v", pieces, fault)
	}
	if !done || r.status != status || r.length != length || r.closing != closing {
		t.Fatalf("pieces %q: done %v, %+v", pieces, done, r)
	}
}

func TestResponseAllocatesNothing(t *testing.T) {
	answer := []byte("HTTP/1.1 200 OK\r\nServer: x\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\nOK")
	var r response
	if n := testing.AllocsPerRun(100, func() {
		r.reset()
		if done, err := r.feed(answer); !done || err != nil {
			t.Fatal(done, err)
		}
	}); n != 0 {
		t.Errorf("%v allocations per answer", n)
	}
}

func FuzzResponse(f *testing.F) {
	f.Add([]byte("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK"), 5)
	f.Add([]byte("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"), 50)
	f.Add([]byte("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n"), 27)
	f.Fuzz(func(t *testing.T, data []byte, cut int) {
		// However the bytes are cut, the outcome is the same.
		var whole, parts response
		done, err := whole.feed(data)
		if err != nil || len(data) == 0 {
			return
		}
		cut = min(max(cut, 0), len(data))
		_, err = parts.feed(data[:cut])
		partsDone := parts.state == complete
		if err == nil && cut < len(data) {
			partsDone, err = parts.feed(data[cut:])
		}
		if err != nil || partsDone != done || parts.status != whole.status || parts.length != whole.length {
			t.Errorf("in one: %v %+v; cut at %d: %v %v %+v", done, whole, cut, partsDone, err, parts)
		}
	})
}
