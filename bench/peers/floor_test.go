package peers

import (
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/anygate/anygate/bench/internal/proc"
)

// startFloor starts the floor in one of its modes and returns its address.
func startFloor(t *testing.T, program, mode, argument string) string {
	t.Helper()
	port, err := proc.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	process, err := proc.Start(proc.Spec{
		Argv: []string{program, mode, strconv.Itoa(port), argument}, Dir: folder, Output: filepath.Join(folder, "output"),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(process.Stop)
	address := "127.0.0.1:" + strconv.Itoa(port)
	for deadline := time.Now().Add(10 * time.Second); ; {
		connection, err := net.Dial("tcp4", address)
		if err == nil {
			_ = connection.Close()
			return address
		}
		if time.Now().After(deadline) {
			t.Fatal(process.Failure())
		}
	}
}

// answers sends pieces, each in a segment of its own, and counts the answers of the floor up to want.
func answers(t *testing.T, address string, pieces []string, want int) int {
	t.Helper()
	connection, err := net.Dial("tcp4", address)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	if err := connection.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	for _, piece := range pieces {
		if _, err := connection.Write([]byte(piece)); err != nil {
			t.Fatal(err)
		}
	}
	var received strings.Builder
	buffer := make([]byte, 4096)
	for strings.Count(received.String(), "xx") < want {
		n, err := connection.Read(buffer)
		if err != nil {
			t.Fatalf("after %q: %v", received.String(), err)
		}
		received.Write(buffer[:n])
	}
	return strings.Count(received.String(), "HTTP/1.1 200 OK\r\n")
}
