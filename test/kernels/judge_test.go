package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/anygate/anygate/test/kernels/order"
)

const (
	ringVersion = "anygate 0.1.0\nkernel  6.1.0-50\nengine  io_uring: kernel 6.1.0-50, set-up single_issuer|clamp, has wait timeouts, " +
		"buffer rings, lacks multishot receive, zero-copy send\n"
	epollVersion = "anygate 0.1.0\nengine  epoll, because io_uring is disabled by the sysctl; set it to 0, or not\n"
)

func TestReadChoice(t *testing.T) {
	for _, c := range []struct {
		name, version string
		want          choice
		wrong         bool
	}{
		{"lacking", ringVersion, choice{
			"io_uring", "single_issuer|clamp", "multishot receive, zero-copy send",
			"kernel 6.1.0-50, set-up single_issuer|clamp, has wait timeouts, buffer rings, lacks multishot receive, zero-copy send",
		}, false},
		{"complete", "engine  io_uring: kernel 7, set-up clamp, has all\n", choice{"io_uring", "clamp", "", "kernel 7, set-up clamp, has all"}, false},
		{"epoll", epollVersion, choice{"epoll", "", "", "io_uring is disabled by the sysctl; set it to 0, or not"}, false},
		{"another form", "engine: io_uring\n", choice{}, true},
		{"none", "anygate 0.1.0\n", choice{}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := readChoice(c.version)
			if got != c.want || (err != nil) != c.wrong {
				t.Errorf("got %+v, %v; want %+v", got, err, c.want)
			}
		})
	}
}

// TestJudge changes one thing at a time in a boot that is as expected.
func TestJudge(t *testing.T) {
	good := func() (*boot, *result) {
		b := &boot{
			kernel: linux6_1,
			expect: expectation{engine: "io_uring", setUp: "single_issuer|clamp", lacks: "multishot receive, zero-copy send"},
			programs: []order.Program{
				{Name: versionName},
				{Name: "smoke", Test: true},
			},
		}
		return b, &result{release: "6.1.0-50", outcomes: []order.Outcome{
			{Program: versionName, Output: ringVersion},
			{Program: "smoke", Passed: 7},
		}}
	}
	for _, c := range []struct {
		name    string
		change  func(b *boot, r *result)
		problem string // "" for none
	}{
		{"as expected", func(*boot, *result) {}, ""},
		{"trouble", func(_ *boot, r *result) { r.trouble = r.read(strings.NewReader(`{"Release":"6.1.0-50"}`)) }, "without saying that it is done"},
		{"another kernel", func(_ *boot, r *result) { r.release = "6.12.1" }, `the kernel is "6.12.1", not a 6.1`},
		{"no outcome", func(_ *boot, r *result) { r.outcomes = r.outcomes[:1] }, "smoke has not ended"},
		{"exit code", func(_ *boot, r *result) { r.outcomes[1].Code = 2 }, "smoke has ended with code 2"},
		{"failed test", func(_ *boot, r *result) { r.outcomes[1].Failed = []string{"TestA", "TestB"} }, "smoke failed: TestA, TestB"},
		{"skipped test", func(_ *boot, r *result) { r.outcomes[1].Skipped = []string{"TestA"} }, "smoke skipped: TestA"},
		{"no test", func(_ *boot, r *result) { r.outcomes[1].Passed = 0 }, "smoke has run no test"},
		{"no engine", func(_ *boot, r *result) { r.outcomes[0].Output = "anygate 0.1.0\n" }, "the version names no engine"},
		{"another engine", func(_ *boot, r *result) { r.outcomes[0].Output = epollVersion }, `the engine is "epoll", want "io_uring"`},
		{"another set-up", func(b *boot, _ *result) { b.expect.setUp = "clamp" }, `the ring's set-up is "single_issuer|clamp", want "clamp"`},
		{"a feature too few", func(b *boot, _ *result) { b.expect.lacks = "" }, `the ring lacks "multishot receive, zero-copy send", want ""`},
		{"another reason", func(b *boot, _ *result) { b.expect.because = "the sysctl" }, `want "the sysctl"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, r := good()
			c.change(b, r)
			_, passed, problems := judge(b, r)
			found := slices.ContainsFunc(problems, func(p string) bool { return strings.Contains(p, c.problem) })
			if (c.problem == "") != (len(problems) == 0) || c.problem != "" && !found {
				t.Errorf("problems %q, want %q", problems, c.problem)
			}
			if want := r.outcomes[len(r.outcomes)-1].Passed; passed != want {
				t.Errorf("%d passed, want %d", passed, want)
			}
		})
	}
}

func TestReadReport(t *testing.T) {
	const begun = `{"Release":"6.1.0-50"}` + "\r\n" + `{"Outcome":{"Program":"smoke","Code":0,"Seconds":1.5,"Passed":3}}` + "\r\n"
	for _, c := range []struct{ name, report, wrong string }{
		{"complete", begun + `{"Done":true}` + "\r\n", ""},
		{"with trouble", begun + `{"Trouble":"no room"}` + "\r\n" + `{"Done":true}` + "\r\n", "no room"},
		{"cut off", begun, "without saying that it is done"},
		{"cut off in a line", begun + `{"Do`, "reading the guest's report"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var r result
			err := r.read(strings.NewReader(c.report))
			if (err == nil) != (c.wrong == "") || err != nil && !strings.Contains(err.Error(), c.wrong) {
				t.Errorf("error %v, want %q", err, c.wrong)
			}
			if r.release != "6.1.0-50" || len(r.outcomes) != 1 || r.outcomes[0].Passed != 3 {
				t.Errorf("read %+v", r)
			}
		})
	}
}
