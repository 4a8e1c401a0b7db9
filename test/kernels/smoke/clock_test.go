package smoke

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/anygate/anygate/test/internal/origin"
	"github.com/anygate/anygate/test/internal/product"
	"github.com/anygate/anygate/test/internal/wire"
)

// clockVariable is "set" on a machine whose clock nobody else goes by, so that it may be set. The time of day is the one
// clock that no namespace has for itself.
const clockVariable = "ANYGATE_TEST_CLOCK"

const day = 24 * time.Hour

// jumps are by how much the clock is set, one after the other. On a machine that is not ours it is left alone, and the
// rest has to be true all the same.
func jumps() []time.Duration {
	if os.Getenv(clockVariable) != "set" {
		return []time.Duration{0}
	}
	return []time.Duration{400 * day, -800 * day}
}

// jump sets the clock, until the end of the test.
func jump(t *testing.T, d time.Duration) {
	t.Helper()
	if d == 0 {
		return
	}
	set := func(d time.Duration) error {
		// Round takes the monotonic clock away, which this one is not to be reckoned by.
		now := unix.NsecToTimeval(time.Now().Round(0).Add(d).UnixNano())
		return unix.Settimeofday(&now)
	}
	if err := set(d); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := set(-d); err != nil {
			t.Error(err)
		}
	})
}

// within waits for a condition by the clock that cannot be set.
func within(t *testing.T, what string, f func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !f(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

// TestClockIsSet sets the clock forward and back while a response is on its way, a connection is idle, and a limit is used
// up. What goes by durations does not notice; what tells the time of day tells the new one.
func TestClockIsSet(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "files"), 0o755); err != nil {
		t.Fatal(err)
	}
	write("files/changing", "at first")
	write("users", "bob:$2a$04$jqKQzeoq6xBdzd2IIsHj9eYGdrLL7s/yBfNNmP5zRETywT.3rU9NW\n") // secret
	up := origin.Start(t)
	s := product.Start(t, product.Config{
		Engine: "auto", Dir: dir, Server: "shards: 1, timeouts: {header: 2s}",
		Text: `
log: {access: stdout json}
upstreams: {up: {members: [` + up.Addr + `], health: {path: /status/204, every: 1s}, keepalive: {idle: 1m}}}
routes:
  "/":        OK
  "/files/":  ./files/
  "/up/":     {to: http://up/, timeouts: {first-byte: 1m, idle: 1m}}
  "/limited": {answer: OK, use: [limit 2/h burst 2, timeout 5m]}
  "/often":   {answer: OK, use: [limit 5/s burst 1]}
  "/secret":  {answer: OK, use: [auth basic users]}
`,
	})
	begun := wire.Dial(t, s.Addr)
	begun.Send("GET /up/hold?begin HTTP/1.1\r\nHost: test\r\n\r\n")
	up.Arrived(t)
	kept := wire.Dial(t, s.Addr)
	kept.Get("/limited", 200)
	kept.Get("/limited", 200)
	kept.Get("/files/changing", 200)
	for n, d := range jumps() {
		t.Run(d.String(), func(t *testing.T) {
			_ = kept.SetDeadline(time.Now().Add(time.Minute))
			jump(t, d)
			var date time.Time
			within(t, "Date is that of the clock", func() bool {
				r := kept.Get("/", 200)
				var err error
				if date, err = http.ParseTime(r.Header.Get("Date")); err != nil {
					t.Fatal(err)
				}
				off := date.Unix() - time.Now().Unix()
				return off >= -1 && off <= 1
			})
			mark := fmt.Sprintf("/?mark=%d", n)
			kept.Get(mark, 200)
			if line := s.Stdout.Line(t, `"target":"`+mark+`"`); !strings.Contains(line, `"time":"`+date.Format("2006-01-02T")) {
				t.Errorf("at %s the log says %s", date, line)
			}

			// Nothing is gained or lost of limits, and neither is what passwords were found right.
			r := kept.Get("/limited", 429)
			if wait, err := strconv.Atoi(r.Header.Get("Retry-After")); err != nil || wait < 1700 || wait > 1800 {
				t.Errorf("Retry-After: %q", r.Header.Get("Retry-After"))
			}
			for range 2 {
				within(t, "the limit lets the next one pass", func() bool {
					kept.Send("GET /often HTTP/1.1\r\nHost: test\r\n\r\n")
					r, err := kept.Next("GET")
					if err != nil {
						t.Fatal(err)
					}
					return r.StatusCode == 200
				})
			}
			kept.Send("GET /secret HTTP/1.1\r\nHost: test\r\nAuthorization: Basic Ym9iOnNlY3JldA==\r\n\r\n")
			kept.Read("GET", 200)
			kept.Get("/up/x", 200)

			// What has to happen after a time still does.
			late := wire.Dial(t, s.Addr)
			late.Send("GET / HTTP/1.1\r\n")
			if _, ending := late.Rest(20 * time.Second); ending == wire.StillOpen {
				t.Error("a head that never ends keeps its connection")
			}
			content := fmt.Sprintf("after %d", n)
			write("files/changing", content)
			within(t, "the change of a file is seen", func() bool { return kept.Get("/files/changing", 200).Body == content })
		})
	}
	up.Release()
	if r := begun.Read("GET", 200); r.Body != "begun released" {
		t.Errorf("content %q", r.Body)
	}
	_, _ = kept.Close(), begun.Close()
	s.Stop(t)
}
