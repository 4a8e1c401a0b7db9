package gateway

import (
	"os"
	"strings"
	"testing"

	"github.com/anygate/anygate/engine"
	"github.com/anygate/anygate/proxy/proxyproto"
)

// rowsOf are the rows of the table of a page whose first heading is the one
// given, without the marks of code.
func rowsOf(page, heading string) (rows [][]string) {
	_, table, _ := strings.Cut(page, "\n| "+heading+" |")
	for i, line := range strings.Split(table, "\n") {
		if i > 0 && !strings.HasPrefix(line, "|") {
			break
		}
		if i < 2 {
			continue
		}
		var cells []string
		for cell := range strings.SplitSeq(strings.Trim(line, "|"), "|") {
			cells = append(cells, strings.ReplaceAll(strings.TrimSpace(cell), "`", ""))
		}
		rows = append(rows, cells)
	}
	return rows
}

// TestDocsOfIdentity runs the tables of docs/proxy-clients.md about clients.
func TestDocsOfIdentity(t *testing.T) {
	text, err := os.ReadFile("../docs/proxy-clients.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(text)

	t.Run("clients", func(t *testing.T) {
		w := newSimWorld(t, 1, engine.Faults{})
		w.withPreamble()
		// The simulation's own clients send the headers that name the peers.
		w.settings.Trust = NewTrust(prefixes("10.0.0.0/8", "192.0.2.1/32"))
		w.upstream("up", answering(tellsIdentity))
		w.serve("/p/: http://up/", "/echo: *")
		rows := rowsOf(page, "the peer")
		if len(rows) < 5 {
			t.Fatalf("found %d rows, the page has more", len(rows))
		}
		for _, row := range rows {
			c := w.client()
			fields := ""
			if row[1] != "nothing" {
				fields = "X-Forwarded-For: " + row[1] + "\r\n"
			}
			c.send("PROXY TCP4 " + row[0] + " 192.0.2.2 4711 80\r\nGET /echo" + req + fields + "\r\nGET /p/" + req + fields + "\r\n")
			echo := c.response("GET").content
			if _, peer, _ := strings.Cut(echo, "\r\nPeer: "); !strings.HasPrefix(peer, row[2]+"\r\n") && !strings.HasPrefix(peer, row[2]+":4711\r\n") {
				t.Errorf("%q of %s: the page says that the client is %s, the echo %q", row[1], row[0], row[2], echo)
			}
			if got, _, _ := strings.Cut(c.response("GET").content, "\n"); got != row[3] {
				t.Errorf("%q of %s: the upstream got %q, the page says %q", row[1], row[0], got, row[3])
			}
			c.close()
		}
	})

	t.Run("reasons", func(t *testing.T) {
		var all string
		for _, row := range rowsOf(page, "why") {
			all += row[0] + ", "
		}
		want := []string{"proxy_header_untrusted", "proxy_header_timeout"}
		for e := proxyproto.ErrSignature; e.Error() != "unknown"; e++ {
			want = append(want, e.Error())
		}
		for _, reason := range want {
			if !strings.Contains(all, reason+",") {
				t.Errorf("the page does not explain %s", reason)
			}
		}
		if n := strings.Count(all, ","); n != len(want) {
			t.Errorf("the page has %d reasons, there are %d", n, len(want))
		}
	})
}
