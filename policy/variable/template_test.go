package variable

import (
	"reflect"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for _, c := range []struct {
		text string
		want Template
	}{
		{"", nil},
		{"no-store", Template{{Text: "no-store"}}},
		{"{client}", Template{{Var: Client}}},
		{"a{client}b", Template{{Text: "a"}, {Var: Client}, {Text: "b"}}},
		{"{scheme}://{authority}{uri}", Template{{Var: Scheme}, {Text: "://"}, {Var: Authority}, {Var: URI}}},
		{"{{client}", Template{{Text: "{client}"}}},
		{"{{{client}}", Template{{Text: "{"}, {Var: Client}, {Text: "}"}}},
		{"{{{{", Template{{Text: "{{"}}},
		{"{", Template{{Text: "{"}}},
		{"}{}", Template{{Text: "}{}"}}},
		{`{"group":"default","endpoints":[{"url":"https://r.example/"}]}`, Template{{Text: `{"group":"default","endpoints":[{"url":"https://r.example/"}]}`}}},
		{`{ "max_age": 1, "id": "{request-id}" }`, Template{{Text: `{ "max_age": 1, "id": "`}, {Var: RequestID}, {Text: `" }`}}},
		{"{}{ }{a b}{client!}", Template{{Text: "{}{ }{a b}{client!}"}}},
		{"a $remote_addr", Template{{Text: "a $remote_addr"}}},
		{"$5", Template{{Text: "$5"}}},
	} {
		got, err := Parse(c.text, OfResponses)
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%q: got %v, %v, want %v", c.text, got, err, c.want)
		}
	}
}

func TestParseEveryName(t *testing.T) {
	for v := Client; v < count; v++ {
		if v.String() == "" {
			t.Errorf("variable %d has no name", v)
		}
		got, err := Parse("{"+v.String()+"}", OfResponses)
		if err != nil || !reflect.DeepEqual(got, Template{{Var: v}}) || got.Uses() != SetOf(v) {
			t.Errorf("%s: got %v, %v", v, got, err)
		}
	}
	for name, v := range elsewhere {
		if find(name) != Text {
			t.Errorf("%s is a name of its own", name)
		}
		if v == Upstream {
			continue
		}
		if _, err := Parse("{"+name+"}", OfRequests); err == nil || err.Suggest != "{"+v.String()+"}" {
			t.Errorf("{%s}: %+v", name, err)
		}
	}
}

func TestFixed(t *testing.T) {
	for text, want := range map[string]string{"": "", "a": "a", "{{x}": "{x}"} {
		parsed, _ := Parse(text, OfResponses)
		if got, ok := parsed.Fixed(); !ok || got != want {
			t.Errorf("%q: %q, %v", text, got, ok)
		}
	}
	parsed, _ := Parse("a{client}", OfResponses)
	if _, ok := parsed.Fixed(); ok {
		t.Error("a value with a variable is fixed")
	}
}

func TestErrors(t *testing.T) {
	for _, c := range []struct {
		text    string
		allowed Set
		at      string // the part that the error is about
		msg     string
		suggest string
	}{
		{"{clinet}", OfRequests, "{clinet}", `unknown variable "{clinet}"`, "{client}"},
		{"x{Client}y", OfRequests, "{Client}", "unknown variable", "{client}"},
		{"{request_id}", OfRequests, "{request_id}", "unknown variable", "{request-id}"},
		{"{ client }", OfRequests, "{ client }", "unknown variable", "{client}"},
		{"{$remote_addr}", OfRequests, "{$remote_addr}", "unknown variable", "{client}"},
		{"{remote_host}", OfRequests, "{remote_host}", "unknown variable", "{client}"},
		{"{http.request.host}", OfRequests, "{http.request.host}", "unknown variable", "{host}"},
		{"{http.request.hostport}", OfRequests, "{http.request.hostport}", "unknown variable", "{authority}"},
		{"{frobnicate}", OfRequests, "{frobnicate}", "unknown variable", ""},
		{"a{client", OfRequests, "{client", "not closed", ""},
		{"a{client{host}", OfRequests, "{client", "not closed", ""},
		{"{header:X-A}", OfRequests, "{header:X-A}", "unknown variable", ""},
		{"{upstream}", OfRequests, "{upstream}", "not known here", ""},
		{"{client}", OfHosts, "{client}", "not known here", ""},
		{"$remote_addr", OfRequests, "$remote_addr", "is a variable of nginx", "{client}"},
		{"$http_host", OfHosts, "$http_host", "is a variable of nginx", "{authority}"},
	} {
		_, err := Parse(c.text, c.allowed)
		if err == nil {
			t.Errorf("%q is taken", c.text)
			continue
		}
		if at := c.text[err.Off : err.Off+err.Len]; at != c.at || !strings.Contains(err.Msg, c.msg) || err.Suggest != c.suggest || err.Want == "" {
			t.Errorf("%q: %q: %s; expected %s; did you mean %q", c.text, at, err.Msg, err.Want, err.Suggest)
		}
	}
}
