package proxy

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/anygate/anygate/engine"
	"github.com/anygate/anygate/http1"
)

// TestDocs runs the tables of docs/proxy.md and docs/proxy-pools.md.
func TestDocs(t *testing.T) {
	page := docPages(t, "proxy.md", "proxy-pools.md")
	tables := docTables(page)

	t.Run("paths", func(t *testing.T) {
		rows := tables["route"]
		if len(rows) < 10 {
			t.Fatalf("found %d rows, the page has more", len(rows))
		}
		for _, row := range rows {
			a := mustAsk(t, row[0], row[1], "", "GET "+row[2]+" HTTP/1.1\r\nHost: h\r\n\r\n")
			line, _, _ := strings.Cut(a.append(t), " HTTP/1.1\r\n")
			if line != "GET "+row[3] {
				t.Errorf("%s to %s: %s is sent as %q, the page says %q", row[0], row[1], row[2], line, row[3])
			}
		}
	})

	t.Run("fields", func(t *testing.T) {
		rows := tables["the client sends"]
		if len(rows) < 15 {
			t.Fatalf("found %d rows, the page has more", len(rows))
		}
		for _, row := range rows {
			docField(t, row[0], row[1])
		}
	})

	t.Run("reasons", func(t *testing.T) {
		rows := tables["reason"]
		if len(rows) != len(failures)-1 {
			t.Errorf("the page has %d reasons, there are %d", len(rows), len(failures)-1)
		}
		for i, row := range rows {
			f := Failure(i + 1)
			if row[0] != f.String() || row[1] != fmt.Sprint(f.Status()) {
				t.Errorf("row %d is %s %s, want %s %d", i, row[0], row[1], f, f.Status())
			}
		}
	})

	t.Run("retries", func(t *testing.T) {
		rows := tables["what has failed"]
		if want := len(docCauses) * len(docContents); len(rows) != want {
			t.Fatalf("found %d rows, want %d", len(rows), want)
		}
		for i, row := range rows {
			// The first cell stands for the rows below it as well.
			what := docCauses[rows[i-i%len(docContents)][0]]
			content, ok := docContents[row[1]]
			if !ok {
				t.Fatalf("the content is %q", row[1])
			}
			docRetry(t, what, content, http1.GET, row[2])
			docRetry(t, what, content, http1.PUT, row[2])
			docRetry(t, what, content, http1.POST, row[3])
			docRetry(t, what, content, http1.PATCH, row[3])
			docUnsent(t, what, content, row[2], row[3])
			for reason := range strings.SplitSeq(row[4], ", ") {
				if reason != "the same" && reason != "the response" && !docReason(reason) {
					t.Errorf("row %d has the reason %q", i, reason)
				}
			}
		}
	})

	t.Run("limits", func(t *testing.T) {
		flat := strings.Join(strings.Fields(page), " ")
		for _, want := range []string{
			fmt.Sprintf("at most %d for one request", interimLimit),
			fmt.Sprintf("%d KiB wait for the upstream", contentWindow>>10),
			fmt.Sprintf("passed over for %g s", failTime.Seconds()),
			fmt.Sprintf("to %d members at most", maxTries),
			fmt.Sprintf("up to %d for each member and shard, for %g s", maxIdle, idleTime.Seconds()),
			fmt.Sprintf("Content of %d KiB and more whose length is known", pipeSize>>10),
			fmt.Sprintf("has up to %d KiB", replayBytes>>10),
			fmt.Sprintf("more than %d KiB once it is rewritten", engine.LargeBuffer>>10),
			fmt.Sprintf("be repetitions; %d always may", leastRepeats),
			fmt.Sprintf("a list of more than %d bytes", offerLimit),
		} {
			if !strings.Contains(flat, want) {
				t.Errorf("the page does not say %q", want)
			}
		}
	})
}

// docField checks one row: fields of a request, and a field of what becomes of
// it. "nothing" stands for no field.
func docField(t *testing.T, sent, want string) {
	t.Helper()
	raw := "GET / HTTP/1.1\r\nHost: h\r\n"
	for field := range strings.SplitSeq(sent, " and ") {
		if field != "nothing" {
			raw += field + "\r\n"
		}
	}
	got := mustAsk(t, "/", "http://up", "", raw+"\r\n").append(t)
	if want != "nothing" {
		if !strings.Contains(got, "\r\n"+want+"\r\n") {
			t.Errorf("%q becomes %q, the page says %q", raw, got, want)
		}
		return
	}
	for field := range strings.SplitSeq(sent, " and ") {
		name, _, _ := strings.Cut(field, ":")
		if strings.Contains(got, "\r\n"+name+":") {
			t.Errorf("%q becomes %q, the page says that there is no %s", raw, got, name)
		}
	}
}

// What the table of retries calls what has failed, and what has become of the
// content.
var (
	docCauses = map[string]cause{
		"the connection could not be made":                causeConnect,
		"a kept connection ended as it was used":          causeStale,
		"the connection ended before the response's head": causeReset,
		"the head did not come in time":                   causeTimeout,
		"the head came with a status of on":               causeStatus,
	}
	docContents = map[string]contentState{"unread": contentUnread, "kept": contentHeld, "gone": contentGone}
)

// docRetry checks a cell of the table of retries, with routes that retry on
// all of the occasions, on none, and on each.
func docRetry(t *testing.T, what cause, content contentState, method http1.MethodID, cell string) {
	t.Helper()
	occasions := map[string]RetryOn{"connect": RetryConnect, "reset": RetryReset, "timeout": RetryTimeout}
	for _, attempts := range []int{0, 1} {
		for on := range RetryConnect | RetryReset | RetryTimeout + 1 {
			for _, repeats := range []uint8{0, 1} {
				for _, stale := range []bool{false, true} {
					c := &Call{
						plan: &Plan{Retry: Retry{Attempts: attempts, On: on}}, v: &view{calls: 1},
						method: method, state: content, repeats: repeats, stale: stale,
					}
					left := int(repeats) < attempts
					want := giveUp
					switch occasion, conditional := strings.CutPrefix(cell, "another, on "); {
					case conditional && left && (what == causeStatus || on&occasions[occasion] != 0):
						want = otherNext
					case cell == "next member":
						want = otherNext
					case cell == "same member" && !stale:
						want = sameAgain
					case cell == "same member" && left && on&RetryReset != 0:
						want = otherNext
					case !conditional && cell != "same member" && cell != "fails":
						t.Fatalf("a cell says %q", cell)
					}
					if got := c.decide(what); got != want {
						t.Errorf("cause %d, content %d, method %d, %d attempts on %b, %d made, stale before %v: decided %d, the page says %q",
							what, content, method, attempts, on, repeats, stale, got, cell)
					}
					c.begun = true
					if c.decide(what) != giveUp {
						t.Error("tried again behind a response that has begun")
					}
				}
			}
		}
	}
}

// docUnsent checks that the method does not count as long as nothing of the
// request has left; what has been answered with a status has.
func docUnsent(t *testing.T, what cause, content contentState, idempotent, other string) {
	t.Helper()
	if what == causeStatus {
		return
	}
	a := attempt{cause: what, content: content, on: true, left: true, budget: true, members: true}
	if got := decide(&a); (got == giveUp) != (other == "fails") {
		t.Errorf("%+v: decided %d, the page says %q", a, got, other)
	}
	a.unsent = true
	if got := decide(&a); (got == giveUp) != (idempotent == "fails") {
		t.Errorf("%+v: decided %d, the page says %q", a, got, idempotent)
	}
}

// docReason reports whether a failure has that code.
func docReason(code string) bool {
	for f := range Failures {
		if Failure(f+1).String() == code {
			return true
		}
	}
	return false
}

// docPages are pages of the documentation, one behind the other.
func docPages(t *testing.T, names ...string) string {
	t.Helper()
	var all strings.Builder
	for _, name := range names {
		text, err := os.ReadFile("../docs/" + name)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	return all.String()
}

// docTables collects the rows of all tables by the heading of the first column,
// without the marks of code.
func docTables(page string) map[string][][]string {
	tables := map[string][][]string{}
	heading := ""
	for line := range strings.SplitSeq(page, "\n") {
		if !strings.HasPrefix(line, "| ") {
			heading = ""
			continue
		}
		cells := strings.Split(strings.Trim(strings.ReplaceAll(line, "`", ""), "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		switch {
		case heading == "":
			heading = cells[0]
		case !strings.HasPrefix(cells[0], "---"):
			tables[heading] = append(tables[heading], cells)
		}
	}
	return tables
}
