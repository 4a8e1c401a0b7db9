package integration

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/anygate/anygate/test/internal/peer"
	"github.com/anygate/anygate/test/internal/product"
	"github.com/anygate/anygate/test/internal/wire"
)

// ownMount runs a program with a file system of its own at a directory, of so many bytes; nobody else sees it, but for
// those who look through /proc/PID/root. It ends with the program. Who is not root becomes it in a namespace of users.
func ownMount(t *testing.T, dir, size string) []string {
	t.Helper()
	wrapper := []string{peer.Find(t, "unshare"), "--mount"}
	if os.Geteuid() != 0 {
		wrapper = append(wrapper, "--user", "--map-root-user")
	}
	return append(wrapper, "--", "sh", "-c", `mount -t tmpfs -o size="$1" none "$0" && shift && exec "$@"`, dir, size)
}

// adminMetric reads a series of a server with an admin API, 0 if there is none.
func adminMetric(t *testing.T, s *product.Server, series string) float64 {
	t.Helper()
	_, address, _ := strings.Cut(strings.TrimSpace(s.Stderr.Line(t, "the admin API is there")), "address=")
	client := http.Client{Timeout: 20 * time.Second}
	r, err := client.Get("http://" + address + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(series) + ` (\S+)$`).FindSubmatch(text)
	if m == nil {
		return 0
	}
	value, err := strconv.ParseFloat(string(m[1]), 64)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// until waits for a condition.
func until(t *testing.T, what string, f func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !f(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

// The file system of the access log runs full: requests are answered, lines wait and then are dropped, which is counted and told;
// there is room again, and lines come as if nothing had been. None is lost but those that were counted. Peers: raw
// connections, unshare, mount.
func TestFullDiskForLogs(t *testing.T) {
	eachEngineParallel(t, func(t *testing.T, e product.Engine) {
		dir := t.TempDir()
		if err := os.Mkdir(filepath.Join(dir, "logs"), 0o755); err != nil {
			t.Fatal(err)
		}
		s := product.Start(t, product.Config{
			Engine: e, Dir: dir, Server: "shards: 1", Wrapper: ownMount(t, filepath.Join(dir, "logs"), "1m"),
			Text: "admin: 127.0.0.1:0\nlog: {access: logs/access.log json}\nroutes: {/: OK}\n",
		})
		name := fmt.Sprintf("/proc/%d/root%s", s.PID(), filepath.Join(dir, "logs", "access.log"))
		read := func() []byte {
			t.Helper()
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			return text
		}
		c := wire.Dial(t, s.Addr)
		asked := 0
		ask := func(path string) {
			t.Helper()
			c.Get(path, 200)
			asked++
		}
		dropped := func() float64 { return adminMetric(t, s, `anygate_log_lines_dropped_total{log="access"}`) }
		long := "/" + strings.Repeat("a", 2000)
		until(t, "the disk and the ring are full", func() bool {
			for range 100 {
				ask(long)
			}
			return dropped() > 0
		})
		if n := adminMetric(t, s, `anygate_log_refusals_total{log="access"}`); n == 0 {
			t.Error("nobody has counted that the disk refuses lines")
		}
		s.Stderr.Line(t, "log lines wait because their destination refuses them", "no space left on device")
		ask("/while-it-is-full")
		full := bytes.Count(read(), []byte("\n"))

		// Somebody makes room. What has waited fits.
		if err := os.Truncate(name, 0); err != nil {
			t.Fatal(err)
		}
		after := 0
		until(t, "lines come again", func() bool {
			after++
			ask(fmt.Sprintf("/after/%d/", after))
			return bytes.Contains(read(), []byte("/after/"))
		})
		s.Stderr.Line(t, "log lines were dropped because their destination refused them")
		ask("/last")
		until(t, "the last line is there", func() bool { return bytes.Contains(read(), []byte(`"/last"`)) })
		// A line that was half written when the disk was full is gone on with.
		written := full + bytes.Count(read(), []byte("\n"))
		if lost := int(dropped()); written+lost != asked {
			t.Errorf("of %d lines %d were written, and %d counted as dropped", asked, written, lost)
		}
		s.Stop(t)
	})
}
