package tuning

import (
	"bytes"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
)

// trouble is a host whose kernel has counted.
var trouble = map[string]*string{
	"/proc/net/netstat":                                       is("TcpExt: SyncookiesSent PruneCalled ListenOverflows ListenDrops TCPBacklogDrop TCPReqQFullDrop\nTcpExt: 0 5 12 14 3 7\nIpExt: InNoRoutes\nIpExt: 0\n"),
	"/proc/net/snmp":                                          is("Tcp: RtoAlgorithm InSegs OutSegs RetransSegs\nTcp: 1 1000000 1000000 20000\n"),
	"/proc/net/softnet_stat":                                  is("000186a0 00000002 00000100 00000000\n000186a0 00000001 00000010 00000000\n"),
	"/proc/net/tls_stat":                                      is("TlsCurrTxSw                     \t0\nTlsTxSw \t40\nTlsTxDevice \t5\nTlsDecryptError \t1\n"),
	"/sys/class/net/eth0/statistics/rx_missed_errors":         is("7\n"),
	"/proc/sys/net/netfilter/nf_conntrack_count":              is("60000\n"),
	"/proc/sys/net/netfilter/nf_conntrack_max":                is("65536\n"),
	"/proc/net/stat/nf_conntrack":                             is("entries  searched found drop early_drop\n0000ea60  00000000 00000000 0000000a 00000000\n0000ea60  00000000 00000000 00000006 00000000\n"),
	"/proc/net/sockstat":                                      is("sockets: used 24\nTCP: inuse 8 orphan 0 tw 20000 alloc 8 mem 250000\n"),
	"/sys/fs/cgroup/user.slice/session-1.scope/cpu.stat":      is("usage_usec 100\nnr_periods 1000\nnr_throttled 100\n"),
	"/sys/fs/cgroup/user.slice/session-1.scope/memory.events": is("low 0\nhigh 0\nmax 0\noom 1\noom_kill 1\n"),
}

func TestVerifyGolden(t *testing.T) {
	for name, changes := range map[string]map[string]*string{"quiet": nil, "trouble": trouble} {
		h := newHost(t, changes)
		e, err := Verify(h, Options{Service: siteAndAPI}, "", nil)
		must(t, err)
		var b bytes.Buffer
		must(t, e.WriteText(&b, Style{}))
		golden(t, "verify/"+name+".txt", b.Bytes())
		b.Reset()
		must(t, e.WriteText(&b, Style{All: true}))
		golden(t, "verify/"+name+".all.txt", b.Bytes())
		if e.Found() != (changes != nil) {
			t.Errorf("%s: evidence is found: %v", name, e.Found())
		}
	}
}

// TestVerifyOverTime has counters that stand where they stood, and some that grow while they are watched. Levels are what they
// are.
func TestVerifyOverTime(t *testing.T) {
	h := newHost(t, trouble)
	e, err := Verify(h, Options{Service: siteAndAPI}, "10s", func() error {
		change(t, h, map[string]*string{"/proc/net/netstat": is(strings.Replace(*trouble["/proc/net/netstat"], "12 14", "13 15", 1))})
		return nil
	})
	must(t, err)
	var got []string
	for _, w := range e.Witnesses {
		if w.Evidence {
			got = append(got, w.Counter)
		}
	}
	want := []string{"TcpExt.ListenOverflows", "TcpExt.ListenDrops", "conntrack.count", "sockstat.tw", "sockstat.mem"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if w := e.Witnesses[0]; w.Value != 1 {
		t.Errorf("%+v", w)
	}
	failed := errors.New("interrupted")
	if _, err := Verify(h, Options{}, "10s", func() error { return failed }); !errors.Is(err, failed) {
		t.Errorf("%v", err)
	}
}

// TestEvidenceNamesRows wants each setting that a witness supports to be a row.
func TestEvidenceNamesRows(t *testing.T) {
	p, err := LoadProfile("edge")
	must(t, err)
	all, err := witnesses()
	must(t, err)
	seen := make(map[string]bool)
	for _, w := range all {
		if seen[w.Counter] {
			t.Errorf("%s is there twice", w.Counter)
		}
		seen[w.Counter] = true
		if w.Of == "" && w.Share != 0 || w.Of != "" && w.Above != 0 {
			t.Errorf("%s is compared in two ways", w.Counter)
		}
		for _, key := range w.Supports {
			if !slices.ContainsFunc(p.Rows, func(r Row) bool { return r.Key == key }) {
				t.Errorf("%s supports %s, which is no row", w.Counter, key)
			}
		}
	}
}

// TestSupportEndsWhenSet sets what the evidence supports: then it says what else to look at.
func TestSupportEndsWhenSet(t *testing.T) {
	h := newHost(t, trouble)
	must(t, h.store(sysctlPath("net.core.somaxconn"), []byte("16384\n")))
	e, err := Verify(h, Options{}, "", nil)
	must(t, err)
	w := e.Witnesses[0]
	if w.Counter != "TcpExt.ListenOverflows" || !w.Evidence || len(w.Settings) != 0 || !strings.Contains(w.Otherwise, "not emptied in time") {
		t.Errorf("%+v", w)
	}
}

// TestCountersThatTurnOver has one processor's 32 bits run out, and an interface that came up anew.
func TestCountersThatTurnOver(t *testing.T) {
	h := newHost(t, map[string]*string{
		"/proc/net/softnet_stat":                          is("fffffff0 fffffffe 0000ffff 00000000\n00000010 00000000 00000000 00000000\n"),
		"/sys/class/net/eth0/statistics/rx_missed_errors": is("900\n"),
		"/proc/sys/fs/file-nr":                            is("4000\t0\t9000\n"),
	})
	e, err := Verify(h, Options{Service: siteAndAPI}, "10s", func() error {
		change(t, h, map[string]*string{
			"/proc/net/softnet_stat":                          is("00000010 00000001 0000ffff 00000000\n00000020 00000000 00000000 00000000\n"),
			"/sys/class/net/eth0/statistics/rx_missed_errors": is("2\n"),
			"/proc/sys/fs/file-nr":                            is("3000\t0\t9000\n"),
		})
		return nil
	})
	must(t, err)
	for counter, want := range map[string]int64{"softnet.dropped": 3, "nic.rx_missed_errors": 2, "softnet.squeezed": 0, "files.open": 3000} {
		i := slices.IndexFunc(e.Witnesses, func(w Testimony) bool { return w.Counter == counter })
		if w := e.Witnesses[i]; w.Value != want || counter == "softnet.squeezed" && w.OfValue != 48 {
			t.Errorf("%s: %+v, want %d", counter, w, want)
		}
	}
}

// TestMorePacketsThanAreCounted has a machine that has been up for so long that the count of packets has turned over: what is left
// of it is no measure for what was squeezed in all that time.
func TestMorePacketsThanAreCounted(t *testing.T) {
	changes := map[string]*string{
		"/proc/net/softnet_stat":                    is("000186a0 00000000 00000100 00000000\n"),
		"/sys/class/net/eth0/statistics/rx_packets": is("90000000000\n"),
	}
	e, err := Verify(newHost(t, changes), Options{Service: siteAndAPI}, "", nil)
	must(t, err)
	i := slices.IndexFunc(e.Witnesses, func(w Testimony) bool { return w.Counter == "softnet.squeezed" })
	if w := e.Witnesses[i]; w.Value != 256 || w.OfValue != 90000000000 || w.Evidence {
		t.Errorf("%+v", w)
	}
}

// TestSettingsOfTheHost is verified in a container, which sees what its host drops and not the setting that would help.
func TestSettingsOfTheHost(t *testing.T) {
	h := newHost(t, trouble)
	must(t, os.Remove(h.path(sysctlPath("net.core.netdev_max_backlog"))))
	e, err := Verify(h, Options{Service: siteAndAPI}, "", nil)
	must(t, err)
	i := slices.IndexFunc(e.Witnesses, func(w Testimony) bool { return w.Counter == "softnet.dropped" })
	if w := e.Witnesses[i]; !w.Evidence || len(w.Settings) != 0 || !slices.Equal(w.Unseen, []string{"net.core.netdev_max_backlog"}) {
		t.Errorf("%+v", w)
	}
	var b bytes.Buffer
	must(t, e.WriteText(&b, Style{}))
	if text := b.String(); !strings.Contains(text, "supports net.core.netdev_max_backlog, which cannot be seen here\n") || strings.Contains(text, "Nothing to change in net.core.netdev_max_backlog") {
		t.Errorf("%s", text)
	}
}

// TestFewOfFew has a host that has hardly done anything: two segments of a hundred that were sent again are chance.
func TestFewOfFew(t *testing.T) {
	for resent, want := range map[string]bool{"2": false, "9": false, "10": true} {
		e, err := Verify(newHost(t, map[string]*string{
			"/proc/net/snmp":         is("Tcp: InSegs OutSegs RetransSegs\nTcp: 100 100 " + resent + "\n"),
			"/proc/net/softnet_stat": is("00000064 00000000 00000002\n"),
		}), Options{Service: siteAndAPI}, "", nil)
		must(t, err)
		if e.Found() != want {
			t.Errorf("%s of 100: %v", resent, e.Found())
		}
	}
}

func TestDamagedCounters(t *testing.T) {
	c := make(counters)
	c.pairs("TcpExt: A B\nTcpExt: 1\nIpExt: A\nTcp: 5\nodd")
	c.pairs("Tcp: A\nTcp: x\n")
	c.softnet("zz 01\n\n")
	c.lines("tls", "a\nb c d\ne 1x\n")
	c.sockets("TCP: inuse x orphan\n")
	if len(c) != 1 || c["softnet.dropped"] != 1 {
		t.Errorf("%v", c)
	}
}
