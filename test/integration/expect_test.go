package integration

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/anygate/anygate/test/internal/peer"
	"github.com/anygate/anygate/test/internal/product"
)

// expectation is one request with curl and what has to come of it.
type expectation struct {
	name string
	// args are those of curl, separated by blanks, with the path last: "-X POST /path". An argument with blanks in it
	// is in single quotes.
	args   string
	status int
	// fields are the response's; "" means that the field is absent, "~x" that its value contains x.
	fields map[string]string
	// body is the content; "~x" means that it contains x. Not looked at if nil.
	body *string
}

func text(s string) *string { return &s }

// split takes a command line apart.
func split(line string) (args []string) {
	for i, part := range strings.Split(line, "'") {
		if i%2 == 1 {
			args = append(args, part)
			continue
		}
		args = append(args, strings.Fields(part)...)
	}
	return args
}

// matches compares a value with the form of expectation's fields.
func matches(got, want string) bool {
	if part, ok := strings.CutPrefix(want, "~"); ok {
		return strings.Contains(got, part)
	}
	return got == want
}

// ask sends the request of an argument list to the server.
func ask(t testing.TB, s *product.Server, line string) peer.Answer {
	t.Helper()
	args := split(line)
	args[len(args)-1] = s.URL(args[len(args)-1])
	return peer.Curl(t, args...)
}

// check runs expectations against a server.
func check(t *testing.T, s *product.Server, table []expectation) {
	t.Helper()
	for _, e := range table {
		t.Run(e.name, func(t *testing.T) {
			a := ask(t, s, e.args)
			if a.Exit != 0 {
				t.Fatalf("curl %s: exit code %d: %s", e.args, a.Exit, a.Message)
			}
			if a.Status != e.status {
				t.Errorf("curl %s: status %d, want %d", e.args, a.Status, e.status)
			}
			for name, want := range e.fields {
				checkField(t, a.Header, name, want)
			}
			if e.body != nil && !matches(a.Body, *e.body) {
				t.Errorf("curl %s: content %.300q, want %q", e.args, a.Body, *e.body)
			}
		})
	}
}

func checkField(t testing.TB, h http.Header, name, want string) {
	t.Helper()
	values := h.Values(name)
	switch {
	case want == "" && len(values) > 0:
		t.Errorf("field %s: %q, want none", name, values)
	case want != "" && !slices.ContainsFunc(values, func(v string) bool { return matches(v, want) }):
		t.Errorf("field %s: %q, want %q", name, values, want)
	}
}
