package load

import (
	"strings"
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	const output = "Running 1s test @ http://127.0.0.1:1/\n  noise\n" +
		`@figures {"requests":100,"bytes":2500,"microseconds":1000500,"p50":12.5,"p90":20.0,"p99":30.0,"p999":40.0,"max":50.0,` +
		`"connect":1,"read":2,"write":3,"status":4,"timeout":5}` + "\n"
	got, err := parse(output)
	if err != nil {
		t.Fatal(err)
	}
	if got.Requests != 100 || got.Bytes != 2500 || got.Elapsed != 1000500*time.Microsecond ||
		got.P50 != 12500*time.Nanosecond || got.Max != 50*time.Microsecond || got.Failures.Sum() != 15 {
		t.Errorf("parse = %+v", got)
	}
	for _, bad := range []string{"", "unable to connect", "\n@figures {\n"} {
		if _, err := parse(bad); err == nil {
			t.Errorf("output %q was accepted", bad)
		}
	}
}

func TestScript(t *testing.T) {
	plain := (&Wrk{Fields: []string{`X-A: say "hi"`}}).script()
	for _, want := range []string{`wrk.method = "GET"`, `wrk.headers["X-A"] = "say \"hi\""`, "done = function"} {
		if !strings.Contains(plain, want) {
			t.Errorf("the script lacks %s:\n%s", want, plain)
		}
	}
	if strings.Contains(plain, "request = function") {
		t.Error("a plain run calls Lua for every request")
	}
	batch := (&Wrk{Method: "POST", Body: 10, Pipeline: 16}).script()
	for _, want := range []string{`string.rep("x", 10)`, "string.rep(one, 16)", "request = function"} {
		if !strings.Contains(batch, want) {
			t.Errorf("the script lacks %s:\n%s", want, batch)
		}
	}
}
