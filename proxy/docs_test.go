package proxy

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// TestDocs runs the tables of docs/proxy.md.
func TestDocs(t *testing.T) {
	text, err := os.ReadFile("../docs/proxy.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(text)
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

	t.Run("limits", func(t *testing.T) {
		flat := strings.Join(strings.Fields(page), " ")
		for _, want := range []string{
			fmt.Sprintf("at most %d for one request", interimLimit),
			fmt.Sprintf("%d KiB wait for the upstream", contentWindow>>10),
			fmt.Sprintf("passed over for %g s", failTime.Seconds()),
			fmt.Sprintf("to %d members at most", maxTries),
			fmt.Sprintf("up to %d for each member and shard, for %g s", maxIdle, idleTime.Seconds()),
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
