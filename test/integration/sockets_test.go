package integration

import (
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/anygate/anygate/test/internal/product"
	"github.com/anygate/anygate/test/internal/wire"
)

// gone waits until the server's end of a connection is no longer established, as the kernel sees it (proc(5),
// /proc/net/tcp).
func gone(t *testing.T, s *product.Server, c *wire.Conn) {
	t.Helper()
	local := c.RemoteAddr().(*net.TCPAddr)
	remote := c.LocalAddr().(*net.TCPAddr)
	pair := endpoint(local) + " " + endpoint(remote) + " "
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		table, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/tcp", s.PID()))
		if err != nil {
			t.Fatal(err)
		}
		const established = "01 "
		if !strings.Contains(string(table), pair+established) {
			return
		}
	}
	t.Error("the connection stays")
}

// endpoint is an IPv4 address and port in the notation of /proc/net/tcp.
func endpoint(a *net.TCPAddr) string {
	ip := a.IP.To4()
	return fmt.Sprintf("%02X%02X%02X%02X:%04X", ip[3], ip[2], ip[1], ip[0], a.Port)
}
