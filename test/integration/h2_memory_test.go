package integration

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/anygate/anygate/test/internal/product"
)

// The frames of a client that needs no compression.
const (
	h2Begin = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + "\x00\x00\x00\x04\x00\x00\x00\x00\x00" + "\x00\x00\x00\x04\x01\x00\x00\x00\x00"
	// h2BeginShut is the same with windows of 0 for responses.
	h2BeginShut = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + "\x00\x00\x06\x04\x00\x00\x00\x00\x00" + "\x00\x04\x00\x00\x00\x00" + "\x00\x00\x00\x04\x01\x00\x00\x00\x00"
)

// h2Request is HEADERS with what the static table has for ":method" (GET or POST), and a path.
func h2Request(stream int, method byte, path string, end bool) string {
	block := string([]byte{method, 0x86, 0x41, 1, 'h', 0x04, byte(len(path))}) + path
	flags := byte(4)
	if end {
		flags |= 1
	}
	return string([]byte{0, 0, byte(len(block)), 1, flags, 0, 0, byte(stream >> 8), byte(stream)}) + block
}

// each runs f for some connections at a time, until one fails.
func each(t *testing.T, n int, f func(i int) error) {
	t.Helper()
	var wg sync.WaitGroup
	next, failed := make(chan int), make(chan error, 1)
	for range 16 {
		wg.Go(func() {
			for i := range next {
				if len(failed) > 0 {
					continue
				}
				if err := f(i); err != nil {
					select {
					case failed <- err:
					default:
					}
				}
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	wg.Wait()
	select {
	case err := <-failed:
		t.Fatal(err)
	default:
	}
}

// Idle connections hold a record and nothing else, whatever they have carried. Peer: none.
func TestH2IdleMemory(t *testing.T) {
	const connections = 10_000
	for _, e := range engines {
		t.Run(string(e), func(t *testing.T) {
			s := product.Start(t, product.Config{Engine: e, Server: "shards: 1", Text: "routes: {/: OK hello}\n"})
			conns := make([]net.Conn, connections)
			open := func(from, to int) {
				each(t, to-from, func(i int) error {
					c, err := net.Dial("tcp", s.Addr)
					if err != nil {
						return err
					}
					conns[from+i] = c
					if _, err := io.WriteString(c, h2Begin+h2Request(1, 0x82, "/", true)); err != nil {
						return err
					}
					return readUntil(c, "hello")
				})
			}
			open(0, 200) // what the first connections need once
			before := s.Memory(t).Resident
			open(200, connections)
			grown := (s.Memory(t).Resident - before) / (connections - 200)
			t.Logf("an idle connection has %d bytes", grown)
			if grown > 6<<10 {
				t.Errorf("%d bytes for each idle connection", grown)
			}
			for _, c := range conns {
				_ = c.Close()
			}
			s.Stop(t)
		})
	}
}

// Streams that wait for their client, in either direction, hold what the windows allow and no more. Peer: none.
func TestH2StreamMemory(t *testing.T) {
	const connections, streams = 100, 100
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "large"), bytes.Repeat([]byte("x"), 1<<20), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, e := range engines {
		t.Run(string(e), func(t *testing.T) {
			s := product.Start(t, product.Config{Engine: e, Server: "shards: 1", Text: "routes: {/: OK hello, /files/: " + dir + "/, /echo: '*'}\n"})
			before := s.Memory(t).Resident
			conns := make([]net.Conn, connections)
			each(t, connections, func(n int) error {
				c, err := net.Dial("tcp", s.Addr)
				if err != nil {
					return err
				}
				conns[n] = c
				out := h2BeginShut
				for i := range streams {
					if i%2 == 0 {
						out += h2Request(2*i+1, 0x82, "/files/large", true)
					} else {
						// Content that has begun, and goes on.
						out += h2Request(2*i+1, 0x83, "/echo", false)
						out += string([]byte{0, 1, 0, 0, 0, 0, 0, byte((2*i + 1) >> 8), byte(2*i + 1)}) + string(bytes.Repeat([]byte("x"), 256))
					}
				}
				// The last is answered when all the others have begun.
				out += h2Request(2*streams+1, 0x82, "/none", true)
				if _, err := io.WriteString(c, out+"\x00\x00\x08\x06\x00\x00\x00\x00\x00all-here"); err != nil {
					return err
				}
				return readUntil(c, "all-here")
			})
			grown := s.Memory(t).Resident - before
			t.Logf("%d connections with %d open streams have %d KiB, %d bytes for each stream", connections, streams, grown>>10, grown/connections/streams)
			if grown > 48<<20 {
				t.Errorf("%d MiB for %d streams", grown>>20, connections*streams)
			}
			for _, c := range conns {
				_ = c.Close()
			}
			s.Stop(t)
		})
	}
}

// readUntil reads until mark has come.
func readUntil(c net.Conn, mark string) error {
	_ = c.SetReadDeadline(time.Now().Add(20 * time.Second))
	var got []byte
	b := make([]byte, 4<<10)
	for !bytes.Contains(got, []byte(mark)) {
		n, err := c.Read(b)
		if err != nil {
			return fmt.Errorf("after %d bytes: %w", len(got), err)
		}
		got = append(got, b[:n]...)
	}
	return nil
}
