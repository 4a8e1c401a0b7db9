package tuning

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// plan makes a plan of a host.
func plan(t *testing.T, h *Host, o Options) *Plan {
	t.Helper()
	r, err := Check(h, o)
	must(t, err)
	p, err := NewPlan(h, r, DefaultState)
	must(t, err)
	return p
}

var edgeMeasure = Options{Profile: "edge", Risk: Measure, Service: siteAndAPI}

// TestApplyAndRevert goes there and back on a host without the directories that are written to, and on one with a file of that
// name.
func TestApplyAndRevert(t *testing.T) {
	for _, tt := range []struct {
		name    string
		changes map[string]*string
	}{
		{"nothing there", nil},
		{"directories there", map[string]*string{"/etc/sysctl.d/": is(""), "/var/lib/anygate-tune/": is("")}},
		{"a file there", map[string]*string{SysctlFile: is("# mine\nnet/ipv4/tcp_fin_timeout=20\n\nvm.swappiness = 5")}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHost(t, tt.changes)
			if tt.changes[SysctlFile] != nil {
				must(t, chmod(h, SysctlFile, 0o640))
			}
			before := snapshot(t, h.Root)
			p := plan(t, h, edgeMeasure)
			if p.Empty() {
				t.Fatal("there is nothing to apply")
			}
			must(t, Apply(h, p, DefaultState))
			for _, s := range p.Settings {
				if v := readSysctl(h, s.Key); v.text != s.After {
					t.Errorf("%s is %s, not %s", s.Key, v.text, s.After)
				}
			}
			again := plan(t, h, edgeMeasure)
			if !again.Empty() {
				t.Errorf("a second plan is not empty: %+v, %q, %q", again.Settings, again.WereLines, again.FileLines)
			}
			preview, err := Revert(h, DefaultState, true)
			must(t, err)
			if len(preview.Settings) != len(p.Settings) || preview.FileBack != (tt.changes[SysctlFile] != nil) || len(preview.Warnings) != 0 {
				t.Errorf("%+v", preview)
			}
			_, err = Revert(h, DefaultState, false)
			must(t, err)
			sameSnapshot(t, "after revert", before, snapshot(t, h.Root))
			if _, err := Revert(h, DefaultState, false); !errors.Is(err, ErrNothing) {
				t.Errorf("a second revert: %v", err)
			}
		})
	}
}

// TestApplyTwice applies the safe rows, then those to be measured, with a change by somebody else in between: the first record of
// how things were stays.
func TestApplyTwice(t *testing.T) {
	h := newHost(t, nil)
	before := snapshot(t, h.Root)
	must(t, Apply(h, plan(t, h, Options{Profile: "edge"}), DefaultState))
	must(t, h.store(sysctlPath("net.core.somaxconn"), []byte("8192\n")))
	second := plan(t, h, edgeMeasure)
	i := slices.IndexFunc(second.Settings, func(s Setting) bool { return s.Key == "net.core.somaxconn" })
	if i < 0 || second.Settings[i].Before != "8192" {
		t.Fatalf("%+v", second.Settings)
	}
	must(t, Apply(h, second, DefaultState))
	file := h.text(SysctlFile)
	for _, line := range []string{"net.core.somaxconn = 16384", "net.ipv4.tcp_slow_start_after_idle = 0", "net.ipv4.tcp_wmem = 4096 16384 16777216", "vm.swappiness = 10"} {
		if !strings.Contains(file+"\n", "\n"+line+"\n") {
			t.Errorf("%q is not in\n%s", line, file)
		}
	}
	_, err := Revert(h, DefaultState, false)
	must(t, err)
	sameSnapshot(t, "after revert", before, snapshot(t, h.Root))
}

// TestApplyNeverLowers has a host on which everything was raised by hand.
func TestApplyNeverLowers(t *testing.T) {
	raised := map[string]*string{
		"/proc/sys/net/core/somaxconn": is("65535\n"), "/proc/sys/net/ipv4/tcp_max_syn_backlog": is("65535\n"),
		"/proc/sys/net/ipv4/tcp_wmem": is("8192\t65536\t67108864\n"), "/proc/sys/vm/swappiness": is("0\n"),
		"/proc/sys/net/ipv4/ip_local_port_range": is("1024\t65535\n"), "/proc/sys/net/ipv4/tcp_mtu_probing": is("2\n"),
	}
	p := plan(t, newHost(t, raised), edgeMeasure)
	for _, s := range p.Settings {
		if raised[sysctlPath(s.Key)] != nil {
			t.Errorf("%s would become %s", s.Key, s.After)
		}
	}
}

// TestRefusedSetting has a kernel that refuses one of the settings. A real file of /proc stands in for it, which takes no more
// than 1000: everything is as it was, and nothing is left behind.
func TestRefusedSetting(t *testing.T) {
	for _, earlier := range []bool{false, true} {
		h := newHost(t, nil)
		if earlier {
			p := plan(t, h, Options{Profile: "edge"})
			p.Settings = p.Settings[:1]
			must(t, Apply(h, p, DefaultState))
		}
		change(t, h, map[string]*string{"/proc/sys/net/ipv4/tcp_max_syn_backlog": nil})
		change(t, h, map[string]*string{"/proc/sys/net/ipv4/tcp_max_syn_backlog": is("->/proc/self/oom_score_adj")})
		before := snapshot(t, h.Root)
		err := Apply(h, plan(t, h, edgeMeasure), DefaultState)
		if err == nil || !strings.Contains(err.Error(), "net.ipv4.tcp_max_syn_backlog cannot be set to 16384, and nothing else was: invalid argument") {
			t.Fatalf("%v", err)
		}
		sameSnapshot(t, "after a refusal", before, snapshot(t, h.Root))
	}
}

// TestTouchedSetting has the kernel allow a congestion control along with choosing it.
func TestTouchedSetting(t *testing.T) {
	h := newHost(t, nil)
	before := snapshot(t, h.Root)
	must(t, Apply(h, plan(t, h, edgeMeasure), DefaultState))
	must(t, h.store(sysctlPath("net.ipv4.tcp_allowed_congestion_control"), []byte("reno cubic bbr\n")))
	r, err := Revert(h, DefaultState, false)
	must(t, err)
	if len(r.Warnings) != 0 {
		t.Errorf("the kernel's own change is warned of: %q", r.Warnings)
	}
	sameSnapshot(t, "after revert", before, snapshot(t, h.Root))
}

// TestRevertThatFails keeps the record until everything is back.
func TestRevertThatFails(t *testing.T) {
	h := newHost(t, nil)
	before := snapshot(t, h.Root)
	must(t, Apply(h, plan(t, h, Options{Profile: "edge"}), DefaultState))
	name := h.path(sysctlPath("net.ipv4.tcp_mtu_probing"))
	must(t, os.Rename(name, name+".away"))
	if _, err := Revert(h, DefaultState, false); err == nil || !strings.Contains(err.Error(), "net.ipv4.tcp_mtu_probing cannot be set back") || !strings.Contains(err.Error(), "kept for another try") {
		t.Fatalf("%v", err)
	}
	if got := h.text(sysctlPath("net.core.somaxconn")); got != "4096" {
		t.Errorf("the others are not back: %s", got)
	}
	must(t, os.Rename(name+".away", name))
	_, err := Revert(h, DefaultState, false)
	must(t, err)
	sameSnapshot(t, "after the second revert", before, snapshot(t, h.Root))
}

// TestOthersChanges warns of what revert takes back although somebody else has made it.
func TestOthersChanges(t *testing.T) {
	h := newHost(t, nil)
	must(t, Apply(h, plan(t, h, Options{Profile: "edge"}), DefaultState))
	must(t, h.store(sysctlPath("vm.swappiness"), []byte("1\n")))
	must(t, h.store(SysctlFile, []byte("# edited\n")))
	r, err := Revert(h, DefaultState, false)
	must(t, err)
	all := strings.Join(r.Warnings, "\n")
	if !strings.Contains(all, "vm.swappiness was 10 when it was applied, and somebody made it 1 since") || !strings.Contains(all, "was edited since") {
		t.Errorf("%q", all)
	}
	if got := h.text(sysctlPath("vm.swappiness")); got != "60" {
		t.Errorf("vm.swappiness is %s", got)
	}
}

func TestNothingIsWrittenInContainers(t *testing.T) {
	h := newHost(t, map[string]*string{"/.dockerenv": is("")})
	before := snapshot(t, h.Root)
	if err := Apply(h, plan(t, h, edgeMeasure), DefaultState); !errors.Is(err, ErrContainer) {
		t.Errorf("%v", err)
	}
	if _, err := Revert(h, DefaultState, false); !errors.Is(err, ErrContainer) {
		t.Errorf("%v", err)
	}
	sameSnapshot(t, "in a container", before, snapshot(t, h.Root))
}

func TestOneAtATime(t *testing.T) {
	h := newHost(t, map[string]*string{"/var/lib/anygate-tune/": is("")})
	unlock, err := h.lock(DefaultState)
	must(t, err)
	p := plan(t, h, edgeMeasure)
	if err := Apply(h, p, DefaultState); !errors.Is(err, ErrBusy) {
		t.Errorf("%v", err)
	}
	unlock()
	must(t, Apply(h, p, DefaultState))
}

// TestDamagedRecord never takes a damaged record for none: the originals in it would be lost.
func TestDamagedRecord(t *testing.T) {
	for text, want := range map[string]string{"{": "is damaged", `{"version": 9}`: "of version 9"} {
		h := newHost(t, map[string]*string{DefaultState: &text})
		r, err := Check(h, edgeMeasure)
		must(t, err)
		if _, err := NewPlan(h, r, DefaultState); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v", err)
		}
		if _, err := Revert(h, DefaultState, false); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v", err)
		}
	}
}

// TestFileThatIsNone leaves a link alone that stands where the file would be.
func TestFileThatIsNone(t *testing.T) {
	h := newHost(t, map[string]*string{SysctlFile: is("->/dev/null")})
	before := snapshot(t, h.Root)
	if err := Apply(h, plan(t, h, edgeMeasure), DefaultState); err == nil || !strings.Contains(err.Error(), "no regular file") {
		t.Errorf("%v", err)
	}
	sameSnapshot(t, "with a link", before, snapshot(t, h.Root))
}

func TestPlanText(t *testing.T) {
	h := newHost(t, map[string]*string{
		SysctlFile:                     is("net.ipv4.tcp_fin_timeout=20\nvm.swappiness = 40\n"),
		"/etc/sysctl.d/99-local.conf":  is("# local\n-net/core/somaxconn = 128\nvm.swappiness=10\n"),
		"/etc/sysctl.d/10-before.conf": is("net.core.somaxconn = 64\n"),
		"/etc/sysctl.conf":             is("net.ipv4.tcp_syncookies=1\nnet.ipv4.tcp_mtu_probing=0\n"),
	})
	p := plan(t, h, Options{Profile: "edge", Service: siteAndAPI})
	var b bytes.Buffer
	must(t, p.WriteText(&b, Style{}))
	golden(t, "plan.txt", b.Bytes())
	must(t, Apply(h, p, DefaultState))
	b.Reset()
	r, err := Revert(h, DefaultState, true)
	must(t, err)
	must(t, r.WriteText(&b, Style{}))
	golden(t, "revert.txt", b.Bytes())
	text, err := os.ReadFile(filepath.Join(h.Root, SysctlFile))
	must(t, err)
	golden(t, "90-anygate.conf", text)
	// Another profile than before is told of.
	if w := plan(t, h, Options{Profile: "proxy"}).Warnings; !strings.Contains(strings.Join(w, "\n"), "the profile edge was applied before") {
		t.Errorf("%q", w)
	}
}

// TestStalePlan has somebody else change the host between the question and its answer: what was not shown is not written.
func TestStalePlan(t *testing.T) {
	for _, tt := range []struct {
		name  string
		other func(h *Host) error
		want  string
	}{
		{"a setting", func(h *Host) error { return h.store(sysctlPath("vm.swappiness"), []byte("30\n")) }, "vm.swappiness was 60 and is 30"},
		{"the file", func(h *Host) error { return h.replace(SysctlFile, []byte("vm.swappiness = 5\n"), owned(0o644)) }, SysctlFile},
		{"another apply", func(h *Host) error {
			r, err := Check(h, Options{Profile: "proxy", Risk: Measure})
			if err != nil {
				return err
			}
			r.Rows = slices.DeleteFunc(r.Rows, func(f Finding) bool { return f.Key != "net.ipv4.tcp_fin_timeout" })
			p, err := NewPlan(h, r, DefaultState)
			if err != nil {
				return err
			}
			return Apply(h, p, DefaultState)
		}, "net.ipv4.tcp_fin_timeout was 60 and is 30"},
		{"a revert", func(h *Host) error { _, err := Revert(h, DefaultState, false); return err }, SysctlFile},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHost(t, map[string]*string{"/etc/sysctl.d/": is("")})
			if tt.name == "a revert" {
				p := plan(t, h, Options{Profile: "edge"})
				must(t, Apply(h, p, DefaultState))
			}
			p := plan(t, h, edgeMeasure)
			must(t, tt.other(h))
			before := snapshot(t, h.Root)
			if err := Apply(h, p, DefaultState); !errors.Is(err, ErrStale) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v", err)
			}
			sameSnapshot(t, "afterwards", before, snapshot(t, h.Root))
		})
	}
}

// TestLinesOfOthers has a file of that name with all that sysctl.d(5) knows: what apply has no business with stays as it is, and
// what somebody has raised there stays raised.
func TestLinesOfOthers(t *testing.T) {
	const theirs = "# mine\n; and a note\n\n" +
		"net/ipv4/conf/eth0.100/rp_filter = 1\n" +
		"net.ipv4.conf.eth1/200.rp_filter=1\n" +
		"-net.netfilter.nf_conntrack_tcp_timeout_established = 600\n" +
		"net.ipv6.conf.*.accept_ra = 0\n-net.ipv6.conf.eth0.accept_ra\n" +
		"net.core.somaxconn = 65535\n" +
		"-vm/swappiness = 40\n"
	h := newHost(t, map[string]*string{SysctlFile: is(theirs + "vm.swappiness = 50")})
	p := plan(t, h, Options{Profile: "edge"})
	must(t, Apply(h, p, DefaultState))
	file := h.text(SysctlFile)
	if want := strings.Replace(theirs, "-vm/swappiness = 40", "-vm.swappiness = 10", 1); !strings.Contains(file, want) || strings.Contains(file, "50") {
		t.Errorf("%s", file)
	}
	if !slices.Contains(p.FileLines, "net.ipv4.conf.eth0/100.rp_filter = 1") || !slices.Contains(p.FileLines, "net.core.somaxconn = 65535") {
		t.Errorf("%q", p.FileLines)
	}
	if again := plan(t, h, Options{Profile: "edge"}); !again.Empty() {
		t.Errorf("a second plan: %q and %q", again.WereLines, again.FileLines)
	}
	// Somebody raises one more in the file, and takes a line out: the first stays, the other one is proposed again.
	must(t, h.store(SysctlFile, []byte(strings.NewReplacer("backlog = 16384", "backlog = 32768", "net.ipv4.tcp_tw_reuse = 1\n", "").Replace(file+"\n"))))
	edited := plan(t, h, Options{Profile: "edge"})
	if !slices.Contains(edited.FileLines, "net.ipv4.tcp_max_syn_backlog = 32768") || !slices.Contains(edited.FileLines, "net.ipv4.tcp_tw_reuse = 1") || edited.Empty() {
		t.Errorf("%q", edited.FileLines)
	}
}

func TestAssignments(t *testing.T) {
	got := assignmentLines("# a = b\n; c = d\n\nnet/ipv4/tcp_rmem =  1\t2   3 \n-net.x=1\nkernel.y\n")
	want := []string{"net.ipv4.tcp_rmem = 1 2 3", "-net.x = 1"}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}
