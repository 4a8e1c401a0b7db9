package tuning

import (
	"bytes"
	"encoding/json"
	"io"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// TestCheckGolden prints the report of the server for every profile, for people and for machines.
func TestCheckGolden(t *testing.T) {
	h := newHost(t, nil)
	for _, profile := range ProfileNames() {
		t.Run(profile, func(t *testing.T) {
			r, err := Check(h, Options{Profile: profile, Service: siteAndAPI})
			must(t, err)
			var text, all bytes.Buffer
			must(t, r.WriteText(&text, Style{}))
			must(t, r.WriteText(&all, Style{All: true}))
			golden(t, "check/"+profile+".txt", text.Bytes())
			golden(t, "check/"+profile+".all.txt", all.Bytes())
			for line := range strings.Lines(all.String()) {
				if utf8.RuneCountInString(strings.TrimSuffix(line, "\n")) > columns {
					t.Errorf("a line of more than %d columns: %q", columns, line)
				}
			}
			var b bytes.Buffer
			e := json.NewEncoder(&b)
			e.SetEscapeHTML(false)
			e.SetIndent("", "  ")
			must(t, e.Encode(r))
			golden(t, "check/"+profile+".json", b.Bytes())
		})
	}
}

// finding is the one finding of a key.
func finding(t *testing.T, r *Report, key string) Finding {
	t.Helper()
	for _, f := range r.Rows {
		if f.Key == key {
			return f
		}
	}
	t.Fatalf("there is no row %s", key)
	return Finding{}
}

func TestCheck(t *testing.T) {
	tests := []struct {
		name    string
		changes map[string]*string
		options Options
		link    *Link
		key     string
		state   State
		value   string
		target  string
		note    string
	}{
		{name: "too small", key: "net.core.somaxconn", state: Change, value: "4096", target: "16384"},
		{
			name: "raised by somebody", changes: map[string]*string{"/proc/sys/net/core/somaxconn": is("65535\n")},
			key: "net.core.somaxconn", state: Fine, value: "65535",
		},
		{
			name: "not on this kernel", changes: map[string]*string{"/proc/sys/net/ipv4/tcp_migrate_req": nil},
			key: "net.ipv4.tcp_migrate_req", state: Absent, note: "no such setting",
		},
		{name: "gone from kernels for good", key: "net.ipv4.tcp_tw_recycle", state: Absent},
		{
			name: "there on an old kernel", changes: map[string]*string{"/proc/sys/net/ipv4/tcp_tw_recycle": is("1\n")},
			key: "net.ipv4.tcp_tw_recycle", state: Change, value: "1", target: "0",
		},
		{
			name: "without proxies", options: Options{Service: Service{Config: "x"}},
			key: "net.ipv4.tcp_tw_reuse", state: Skipped, note: "with a route that is a proxy",
		},
		{name: "without a configuration, proxies are assumed", key: "net.ipv4.tcp_tw_reuse", state: Change, value: "2", target: "1"},
		{
			name: "ports of listeners", options: Options{Service: siteAndAPI},
			key: "net.ipv4.ip_local_reserved_ports", state: Change, value: "", target: "33000",
		},
		{
			name: "ports of listeners beside others", options: Options{Service: siteAndAPI},
			changes: map[string]*string{"/proc/sys/net/ipv4/ip_local_reserved_ports": is("32999,50000\n")},
			key:     "net.ipv4.ip_local_reserved_ports", state: Change, value: "32999,50000", target: "32999-33000,50000",
		},
		{
			name: "ports of listeners in a lower range", options: Options{Service: siteAndAPI},
			changes: map[string]*string{"/proc/sys/net/ipv4/ip_local_port_range": is("1024\t60999\n")},
			key:     "net.ipv4.ip_local_reserved_ports", state: Change, target: "9000,33000",
		},
		{
			name: "ports below the range", options: Options{Service: Service{Config: "x", Ports: []int{80}}},
			key: "net.ipv4.ip_local_reserved_ports", state: Fine,
		},
		{
			name: "fewer ports than idle connections", options: Options{Service: Service{Config: "x", Proxies: true, Shards: 64, Pools: []Pool{{"api", 0, 512}}}},
			key: "net.ipv4.ip_local_port_range", state: Change, value: "32768 60999", target: "10240 65535",
			note: "28232 ports: fewer than the idle connections that api keeps to each member (keepalive.connections of 64 shards)",
		},
		{
			name: "fewer ports than connections", options: Options{Service: Service{Config: "x", Proxies: true, Pools: []Pool{{"web", 9, 512}, {"api", 30000, 512}}}},
			key: "net.ipv4.ip_local_port_range", state: Change, value: "32768 60999", target: "10240 65535",
			note: "28232 ports: fewer than api may have connections to one member (limits.connections)",
		},
		{
			name: "a module that is not loaded", changes: map[string]*string{"/proc/sys/net/ipv4/tcp_available_congestion_control": is("reno cubic\n")},
			key: "net.ipv4.tcp_congestion_control", state: Absent, value: "cubic", note: "modprobe tcp_bbr",
		},
		{
			name: "a module that can be loaded", key: "net.ipv4.tcp_congestion_control", state: Change, value: "cubic", note: "the kernel does not list bbr now",
			changes: map[string]*string{
				"/proc/sys/net/ipv4/tcp_available_congestion_control": is("reno cubic\n"),
				"/lib/modules/6.12.9-amd64/modules.dep":               is("kernel/net/ipv4/tcp_vegas.ko.xz:\nkernel/net/ipv4/tcp-bbr.ko.xz: kernel/x.ko\n"),
			},
		},
		{
			name: "a module of another kernel", key: "net.ipv4.tcp_congestion_control", state: Absent, value: "cubic", note: "modprobe tcp_bbr",
			changes: map[string]*string{
				"/proc/sys/net/ipv4/tcp_available_congestion_control": is("reno cubic\n"),
				"/lib/modules/6.1.0-amd64/modules.dep":                is("kernel/net/ipv4/tcp_bbr.ko:\n"),
			},
		},
		{
			name: "a module that another profile needs", key: "net.ipv4.tcp_congestion_control", options: Options{Profile: "proxy"}, state: Absent, value: "reno", note: "modprobe tcp_cubic",
			changes: map[string]*string{
				"/proc/sys/net/ipv4/tcp_congestion_control":           is("reno\n"),
				"/proc/sys/net/ipv4/tcp_available_congestion_control": is("reno\n"),
			},
		},
		{name: "conntrack that is not used", key: "net.netfilter.nf_conntrack_max", state: Skipped},
		{
			name: "conntrack", key: "net.netfilter.nf_conntrack_max", state: Change, value: "65536", target: "512000",
			changes: map[string]*string{"/proc/sys/net/netfilter/nf_conntrack_count": is("12\n"), "/proc/sys/net/netfilter/nf_conntrack_max": is("65536\n")},
		},
		{name: "a budget that suffices", key: "net.core.netdev_budget", state: Skipped},
		{
			name: "a budget that does not", key: "net.core.netdev_budget", state: Change, value: "300", target: "600",
			changes: map[string]*string{"/proc/net/softnet_stat": is("000186a0 00000000 00000100\n")},
		},
		{name: "files of this command", key: "limit.nofile", state: Fine, value: "524288", note: "of this command"},
		{
			name: "files for the connections that are configured", options: Options{Service: Service{Config: "x", Connections: 500000}},
			key: "limit.nofile", state: Change, value: "524288",
		},
		{
			name: "files of the unit", key: "limit.nofile", state: Change, value: "65536", note: "of the unit /etc/systemd/system/anygate.service",
			changes: map[string]*string{"/etc/systemd/system/anygate.service": is("[Service]\nLimitNOFILE=1024:65536\n")},
		},
		{
			name: "files of the unit with a drop-in", key: "limit.nofile", state: Fine, value: "unlimited",
			changes: map[string]*string{
				"/usr/lib/systemd/system/anygate.service":           is("[Service]\nLimitNOFILE=65536\n"),
				"/etc/systemd/system/anygate.service.d/nofile.conf": is("[Service]\nLimitNOFILE=infinity\n"),
			},
		},
		{
			name: "files of the process", key: "limit.nofile", state: Change, value: "4096", note: "of process 77",
			changes: map[string]*string{
				"/proc/76/comm": is("anygate\n"), "/proc/76/cmdline": is("anygate\x00tune\x00check\x00"), "/proc/76/limits": is("Max open files 1 1 files\n"),
				"/proc/77/comm": is("anygate\n"), "/proc/77/cmdline": is("anygate\x00serve\x00"), "/proc/77/limits": is("Max open files            1024                 4096                 files\n"),
			},
		},
		{name: "memory for rings is not counted", key: "limit.memlock", state: Skipped},
		{
			name: "memory for rings on an old kernel", changes: map[string]*string{"/proc/sys/kernel/osrelease": is("5.10.0-33-amd64\n")},
			key: "limit.memlock", state: Change, value: "8388608",
		},
		{
			name: "memory for rings on a new kernel", changes: map[string]*string{"/proc/sys/kernel/osrelease": is("6.14.2-generic\n")},
			options: Options{Service: Service{Config: "x", Shards: 8}},
			key:     "limit.memlock", state: Change, value: "8388608",
		},
		{
			name: "memory for rings on a new kernel, for few shards", changes: map[string]*string{"/proc/sys/kernel/osrelease": is("6.18.0-generic\n")},
			key: "limit.memlock", state: Fine, value: "8388608",
		},
		{
			name: "files for many shards", changes: map[string]*string{"/proc/self/limits": is("Max open files            1024                 8192                 files\n")},
			options: Options{Service: Service{Config: "x", Connections: 1000, Shards: 40}},
			key:     "limit.nofile", state: Change, value: "8192",
		},
		{name: "no quota", key: "cgroup.cpu", state: Fine, value: "no quota"},
		{
			name: "a quota that shards keep to", changes: map[string]*string{"/sys/fs/cgroup/user.slice/cpu.max": is("150000 100000\n")},
			key: "cgroup.cpu", state: Fine, value: "1.5 processors for 2 shards",
		},
		{
			name: "a quota that they do not", changes: map[string]*string{"/sys/fs/cgroup/user.slice/cpu.max": is("150000 100000\n")},
			options: Options{Service: Service{Config: "x", Shards: 4}},
			key:     "cgroup.cpu", state: Change, value: "1.5 processors for 4 shards",
		},
		{
			name: "memory of a cgroup of version 1", key: "cgroup.memory", state: Reported, value: "512 MiB",
			changes: map[string]*string{
				"/proc/self/cgroup":                               is("4:memory:/a/b\n1:cpu,cpuacct:/a\n"),
				"/sys/fs/cgroup/memory/a/memory.limit_in_bytes":   is("536870912\n"),
				"/sys/fs/cgroup/memory/a/b/memory.limit_in_bytes": is("9223372036854771712\n"),
			},
		},
		{
			name: "processors of a cgroup of version 1", key: "cgroup.cpu", state: Fine, value: "2 processors for 2 shards",
			changes: map[string]*string{
				"/proc/self/cgroup":                              is("4:memory:/a/b\n1:cpu,cpuacct:/a\n"),
				"/sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_quota_us":  is("200000\n"),
				"/sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_period_us": is("100000\n"),
				"/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us":    is("-1\n"),
			},
		},
		{name: "io_uring", key: "io_uring", state: Fine, value: "available"},
		{
			name: "io_uring that is disabled", changes: map[string]*string{"/proc/sys/kernel/io_uring_disabled": is("1\n")},
			key: "io_uring", state: Reported, value: "not available", note: "kernel.io_uring_disabled is 1",
		},
		{
			name: "io_uring that is not built", changes: map[string]*string{"/proc/sys/kernel/io_uring_disabled": nil},
			key: "io_uring", state: Reported, value: "not available", note: "built without it",
		},
		{
			name: "memory of TCP", changes: map[string]*string{"/proc/net/sockstat": is("TCP: inuse 1 orphan 0 tw 0 alloc 1 mem 126500\n")},
			key: "net.ipv4.tcp_mem", state: Reported, value: "190000 253000 380000", note: "50% of where pressure begins",
		},
		{name: "huge pages", key: "vm.transparent_hugepage", state: Change, value: "always"},
		{
			name: "no huge pages", changes: map[string]*string{"/sys/kernel/mm/transparent_hugepage/enabled": nil},
			key: "vm.transparent_hugepage", state: Absent,
		},
		{name: "one node", key: "kernel.numa_balancing", state: Skipped},
		{
			name: "two nodes", changes: map[string]*string{"/sys/devices/system/node/online": is("0-1\n"), "/proc/sys/kernel/numa_balancing": is("1\n")},
			key: "kernel.numa_balancing", state: Change, value: "1", target: "0",
		},
		{name: "a governor", key: "cpu.governor", state: Change, value: "schedutil"},
		{
			name: "a governor that not all processors have", changes: map[string]*string{"/sys/devices/system/cpu/cpu1/cpufreq/scaling_governor": is("performance\n")},
			key: "cpu.governor", state: Change, value: "schedutil,performance",
		},
		{name: "mitigations", key: "cpu.mitigations", state: Reported, value: "1 active", note: "vulnerable: retbleed"},
		{
			name: "no mitigations", changes: map[string]*string{"/proc/cmdline": is("quiet mitigations=off\n")},
			key: "cpu.mitigations", state: Reported, value: "off",
		},
		{
			name: "isolated processors", changes: map[string]*string{"/sys/devices/system/cpu/isolated": is("2-3\n")},
			key: "cpu.isolated", state: Reported, value: `isolcpus "2-3", nohz_full ""`,
		},
		{name: "fewer queues than shards", key: "nic.queues", state: Change, value: "2"},
		{
			name: "as many queues as there can be", link: &Link{Channels: &Channels{Combined: 2, CombinedMax: 2}},
			key: "nic.queues", state: Fine, value: "2", note: "it has no more, for 4 shards",
		},
		{
			name: "as many queues as shards", options: Options{Service: Service{Config: "x", Shards: 2}},
			key: "nic.queues", state: Fine, value: "2",
		},
		{name: "interrupts on one processor", key: "nic.irq", state: Change, value: "2 interrupts on 1 processor", note: "they go to 0 0"},
		{
			name: "interrupts apart", changes: map[string]*string{"/proc/irq/43/smp_affinity_list": is("1\n")},
			key: "nic.irq", state: Fine, value: "2 interrupts on 2 processors",
		},
		{
			name: "interrupts without names", changes: map[string]*string{"/proc/interrupts": is("")},
			key: "nic.irq", state: Absent,
		},
		{name: "fewer transmit queues than processors", key: "nic.xps", state: Fine, value: "shared"},
		{
			name: "transmit queues that are shared", changes: map[string]*string{"/sys/devices/system/cpu/online": is("0-1\n")},
			key: "nic.xps", state: Change, value: "shared",
		},
		{
			name: "transmit queues one to one", key: "nic.xps", state: Fine, value: "one to one",
			changes: map[string]*string{
				"/sys/devices/system/cpu/online":           is("0-1\n"),
				"/sys/class/net/eth0/queues/tx-0/xps_cpus": is("00000000,00000001\n"), "/sys/class/net/eth0/queues/tx-1/xps_cpus": is("00000000,00000002\n"),
			},
		},
		{name: "RPS that would help", key: "nic.rps", state: Change, value: "off"},
		{
			name: "RPS that does not help", key: "nic.rps", state: Change, value: "on",
			changes: map[string]*string{"/sys/devices/system/cpu/online": is("0-1\n"), "/sys/class/net/eth0/queues/rx-1/rps_cpus": is("00000000,00000003\n")},
		},
		{name: "a queueing discipline", key: "nic.qdisc", state: Change, value: "mq of fq_codel"},
		{name: "offloads", key: "nic.offloads", state: Change, value: "gro gso", note: "off: tso"},
		{
			name: "an offload that the driver does not have", link: &Link{Features: map[string]bool{"gro": true, "gso": true, "tso": false}, Fixed: []string{"tso"}},
			key: "nic.offloads", state: Fine, value: "gro gso", note: "not of this driver: tso",
		},
		{
			name: "an offload that is off beside one that there is not", link: &Link{Features: map[string]bool{"gro": true, "gso": false, "tso": false}, Fixed: []string{"tso"}},
			key: "nic.offloads", state: Change, value: "gro", note: "off: gso; not of this driver: tso",
		},
		{
			name: "LRO where nothing is forwarded", key: "nic.lro", state: Skipped, note: "matters only where packets are forwarded",
			changes: map[string]*string{"/proc/sys/net/ipv4/ip_forward": is("0\n")},
		},
		{
			name: "LRO where IPv6 is forwarded", key: "nic.lro", state: Change, value: "on",
			changes: map[string]*string{"/proc/sys/net/ipv4/ip_forward": is("0\n"), "/proc/sys/net/ipv6/conf/all/forwarding": is("1\n")},
		},
		{name: "LRO", key: "nic.lro", state: Change, value: "on"},
		{
			name: "a driver that knows nothing", link: &Link{}, key: "nic.offloads", state: Absent, note: "the driver does not say",
		},
		{name: "rings without drops", key: "nic.rings", state: Fine, value: "rx 256 of 4096"},
		{
			name: "rings with drops", changes: map[string]*string{"/sys/class/net/eth0/statistics/rx_missed_errors": is("7\n")},
			key: "nic.rings", state: Change, value: "rx 256 of 4096", note: "7 packets",
		},
		{name: "coalescing", options: Options{Profile: "latency"}, key: "nic.coalesce", state: Change, value: "100 us"},
		{
			name: "adaptive coalescing", options: Options{Profile: "latency"}, link: &Link{Coalesce: &Coalesce{Adaptive: true, Usecs: 100}},
			key: "nic.coalesce", state: Fine, value: "adaptive",
		},
		{name: "energy", options: Options{Profile: "latency"}, key: "cpu.epb", state: Change, value: "balance_performance"},
		{name: "idle states", options: Options{Profile: "latency"}, key: "cpu.idle", state: Change, value: "C6, 133 us"},
		{
			name: "idle states that are disabled", options: Options{Profile: "latency"}, changes: map[string]*string{"/sys/devices/system/cpu/cpu0/cpuidle/state1/disable": is("1\n")},
			key: "cpu.idle", state: Fine, value: "POLL, 0 us",
		},
		{
			name: "no interface with hardware", changes: map[string]*string{"/sys/class/net/eth0/device": nil},
			key: "nic.queues", state: Absent, note: "no network interface",
		},
		{name: "irqbalance", changes: map[string]*string{"/proc/9/comm": is("irqbalance\n")}, key: "daemon.irqbalance", state: Reported, value: "runs"},
		{name: "no tuned", key: "daemon.tuned", state: Reported, value: "does not run"},
		{name: "dropped by a profile for sites", options: Options{Profile: "static"}, key: "vm.vfs_cache_pressure", state: Change, value: "100", target: "50"},
	}
	shared := newHost(t, nil)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			change(t, shared, tt.changes)
			defer restore(t, shared, tt.changes)
			h := *shared
			if tt.link != nil {
				h.Link = func(string) (Link, error) { return *tt.link, nil }
			}
			if tt.options.Profile == "" {
				tt.options.Profile = "edge"
			}
			r, err := Check(&h, tt.options)
			must(t, err)
			f := finding(t, r, tt.key)
			if f.State != tt.state || f.Value != tt.value || f.Target != tt.target || !strings.Contains(f.Note, tt.note) {
				t.Errorf("%+v\nwant %s %q, target %q, note %q", f, tt.state, tt.value, tt.target, tt.note)
			}
			if f.State == Change && f.Target == "" && f.Command == "" {
				t.Error("nobody is told what to do")
			}
			if strings.Contains(f.Command+f.Reason+f.Wanted, "${") {
				t.Errorf("a variable is left: %+v", f)
			}
		})
	}
}

// TestReadOnlySetting is what the kernel shows in a network namespace of settings that are the machine's.
func TestReadOnlySetting(t *testing.T) {
	h := newHost(t, nil)
	must(t, chmod(h, "/proc/sys/net/core/somaxconn", 0o444))
	r, err := Check(h, Options{Profile: "edge"})
	must(t, err)
	if f := finding(t, r, "net.core.somaxconn"); f.State != Change || f.Target != "" || !strings.Contains(f.Note, "read-only here") {
		t.Errorf("%+v", f)
	}
}

// TestNotAllowedHere is what the kernel refuses in a network namespace until the host has allowed it.
func TestNotAllowedHere(t *testing.T) {
	h := newHost(t, nil)
	must(t, chmod(h, "/proc/sys/net/ipv4/tcp_allowed_congestion_control", 0o444))
	r, err := Check(h, Options{Profile: "edge", Risk: Measure})
	must(t, err)
	if f := finding(t, r, "net.ipv4.tcp_congestion_control"); f.State != Change || f.Target != "" || !strings.Contains(f.Note, "bbr has to be in net.ipv4.tcp_allowed_congestion_control first") {
		t.Errorf("%+v", f)
	}
}

// TestSkip leaves rows out, for check and for apply, and says so.
func TestSkip(t *testing.T) {
	h := newHost(t, nil)
	o := Options{Profile: "edge", Skip: []string{"vm.swappiness", "nic.lro"}}
	r, err := Check(h, o)
	must(t, err)
	for _, key := range o.Skip {
		if f := finding(t, r, key); f.State != Skipped || f.Note != "left out, as asked for" || f.Value != "" {
			t.Errorf("%+v", f)
		}
	}
	for _, s := range plan(t, h, o).Settings {
		if s.Key == "vm.swappiness" {
			t.Error("vm.swappiness is applied")
		}
	}
	// What was applied before and is left out now, is not written again after somebody has taken it out of the file.
	must(t, Apply(h, plan(t, h, Options{Profile: "edge"}), DefaultState))
	must(t, h.store(SysctlFile, []byte(strings.Replace(h.text(SysctlFile), "vm.swappiness = 10", "", 1))))
	if again := plan(t, h, o); !again.Empty() {
		t.Errorf("%q", again.FileLines)
	}
	for key, want := range map[string]string{"vm.swapiness": `did you mean "vm.swappiness"?`, "": "no profile has a setting", "all": "tune check --all"} {
		if _, err := Check(h, Options{Skip: []string{key}}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", key, err)
		}
	}
}

// TestQuotaInWords prints what the cgroup grants, of one processor and of several.
func TestQuotaInWords(t *testing.T) {
	for quota, want := range map[string]string{"100000 100000\n": "of that 1 processor's time\n", "150000 100000\n": "of that 1.5 processors' time\n"} {
		r, err := Check(newHost(t, map[string]*string{"/sys/fs/cgroup/user.slice/cpu.max": &quota}), Options{Profile: "edge"})
		must(t, err)
		var b bytes.Buffer
		must(t, r.WriteText(&b, Style{}))
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q is not in\n%s", want, b.String())
		}
	}
}

// TestNextCommand has the last lines of a report name the command that does what it says.
func TestNextCommand(t *testing.T) {
	named := siteAndAPI
	named.Named = true
	for _, tt := range []struct {
		options Options
		sudo    bool
		want    string
	}{
		{Options{Service: siteAndAPI}, false, "should change: anygate tune apply --profile edge\n"},
		{Options{Profile: "proxy", Risk: Measure, Service: named}, true, ": sudo anygate tune apply --profile proxy --risk measure -c /etc/anygate/anygate.yml\n"},
		{Options{Skip: []string{"nic.lro", "nic.rps"}}, true, ": sudo anygate tune apply --profile edge --skip nic.lro --skip nic.rps\n"},
	} {
		r, err := Check(newHost(t, nil), tt.options)
		must(t, err)
		var b bytes.Buffer
		must(t, r.WriteText(&b, Style{Sudo: tt.sudo}))
		if text := strings.ReplaceAll(b.String(), "\n  ", " "); !strings.Contains(text, tt.want) {
			t.Errorf("%q is not in\n%s", tt.want, text)
		}
	}
}

func TestContainer(t *testing.T) {
	tests := []struct {
		name    string
		changes map[string]*string
		want    string
	}{
		{"a host", nil, ""},
		{"docker", map[string]*string{"/.dockerenv": is("")}, "/.dockerenv exists"},
		{"podman", map[string]*string{"/run/.containerenv": is("")}, "/run/.containerenv exists"},
		{"systemd-nspawn", map[string]*string{"/run/systemd/container": is("systemd-nspawn\n")}, "/run/systemd/container says systemd-nspawn"},
		{"kubernetes", map[string]*string{"/proc/1/cgroup": is("0::/kubepods.slice/pod1/abc\n")}, "the cgroup is 0::/kubepods.slice/pod1/abc"},
		{"version 1 of docker", map[string]*string{"/proc/self/cgroup": is("3:cpu:/docker/0123\n")}, "the cgroup is 3:cpu:/docker/0123"},
		{"settings that are read-only", map[string]*string{
			"/proc/self/mountinfo": is("1 0 8:1 / / rw - ext4 x rw\n22 1 0:21 / /proc rw,relatime - proc proc rw\n23 22 0:21 /sys /proc/sys ro,nosuid - proc proc rw\n"),
		}, "/proc/sys is mounted read-only"},
		{"a read-only root is none", map[string]*string{
			"/proc/self/mountinfo": is("1 0 8:1 / / ro - ext4 x ro\n22 1 0:21 / /proc rw,relatime - proc proc rw\n"),
		}, ""},
		{"systemd-nspawn without systemd in it", map[string]*string{"/run/host/container-manager": is("systemd-nspawn\n")}, "/run/host/container-manager says systemd-nspawn"},
		{"LXC without systemd in it", map[string]*string{"/proc/1/environ": is("HOME=/\x00container=lxc\x00TERM=linux\x00")}, "the first process was started with container=lxc"},
		{"LXC by its cgroup", map[string]*string{"/proc/1/cgroup": is("4:memory:/lxc/web\n")}, "the cgroup is 4:memory:/lxc/web"},
		{"docker by systemd's cgroups", map[string]*string{"/proc/self/cgroup": is("0::/system.slice/docker-0123.scope\n")}, "the cgroup is 0::/system.slice/docker-0123.scope"},
		{"containerd by systemd's cgroups", map[string]*string{"/proc/self/cgroup": is("0::/system.slice/cri-containerd-0123.scope\n")}, "the cgroup is 0::/system.slice/cri-containerd-0123.scope"},
		{"a runtime that hides its cgroup", map[string]*string{"/proc/1/cgroup": is("0::/\n"), "/proc/1/ns/pid": is("->pid:[4026532444]")}, "this is a pid namespace of its own"},
		{"a container with the processes of its host", map[string]*string{"/proc/1/ns/pid": is("->pid:[4026531836]"), "/proc/1/ns/cgroup": is("->cgroup:[4026532446]")}, "this is a cgroup namespace of its own"},
		{"a host with its namespaces", map[string]*string{"/proc/1/ns/pid": is("->pid:[4026531836]"), "/proc/1/ns/cgroup": is("->cgroup:[4026531835]"), "/proc/1/environ": is("HOME=/\x00TERM=linux\x00")}, ""},
		{"a host that runs containers", map[string]*string{"/proc/1/cgroup": is("0::/init.scope\n"), "/proc/self/cgroup": is("0::/system.slice/docker.service\n")}, ""},
		{"root of a namespace that maps it to root", map[string]*string{"/proc/self/uid_map": is("         0          0          1\n")}, "this is a user namespace of its own"},
		{"a user namespace", map[string]*string{"/proc/self/uid_map": is("         0       1000          1\n")}, "this is a user namespace of its own"},
	}
	h := newHost(t, nil)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			change(t, h, tt.changes)
			defer restore(t, h, tt.changes)
			if got := h.Container(); got != tt.want {
				t.Fatalf("%q, want %q", got, tt.want)
			}
			r, err := Check(h, Options{})
			must(t, err)
			if want := map[bool]string{true: DefaultProfile, false: ContainerProfile}[tt.want == ""]; r.Profile != want {
				t.Errorf("the profile is %s, want %s", r.Profile, want)
			}
		})
	}
}

// TestNarrowTerminal prints everything for 80 columns: nothing is lost, and no line is longer but for a command that cannot be
// broken.
func TestNarrowTerminal(t *testing.T) {
	h := newHost(t, trouble)
	r, err := Check(h, Options{Profile: "latency", Risk: Measure, Service: siteAndAPI})
	must(t, err)
	p, err := NewPlan(h, r, DefaultState)
	must(t, err)
	e, err := Verify(h, Options{Service: siteAndAPI}, "", nil)
	must(t, err)
	for name, write := range map[string]func(io.Writer, Style) error{"check": r.WriteText, "apply": p.WriteText, "verify": e.WriteText} {
		var narrow, wide bytes.Buffer
		must(t, write(&narrow, Style{All: true, Width: 80}))
		must(t, write(&wide, Style{All: true, Width: 300}))
		for line := range strings.Lines(narrow.String()) {
			line = strings.TrimSuffix(line, "\n")
			if utf8.RuneCountInString(line) > 80 && strings.Contains(strings.TrimSpace(line), " ") {
				t.Errorf("%s: a line of more than 80 columns: %q", name, line)
			}
		}
		for line := range strings.Lines(wide.String()) {
			if utf8.RuneCountInString(line) > columns+1 {
				t.Errorf("%s: a line of more than %d columns: %q", name, columns, line)
			}
		}
		one, other := strings.Fields(narrow.String()), strings.Fields(wide.String())
		slices.Sort(one)
		slices.Sort(other)
		for _, word := range slices.Compact(other) {
			if word = strings.Trim(word, ","); !strings.Contains(narrow.String(), word) {
				t.Errorf("%s: %q is lost", name, word)
			}
		}
		if len(one) < len(other) {
			t.Errorf("%s: %d words, not %d", name, len(one), len(other))
		}
	}
	if Width(&bytes.Buffer{}) != 0 {
		t.Error("a buffer has a width")
	}
}

func TestColours(t *testing.T) {
	r, err := Check(newHost(t, nil), Options{Profile: "edge"})
	must(t, err)
	var with, without bytes.Buffer
	must(t, r.WriteText(&with, Style{Color: true}))
	must(t, r.WriteText(&without, Style{}))
	if bytes.Contains(without.Bytes(), []byte("\x1b")) || !bytes.Contains(with.Bytes(), []byte("\x1b[33mchange")) {
		t.Error("colours are where they should not be, or not where they should")
	}
	stripped := with.String()
	for _, code := range []string{plain, bold, red, green, yellow, grey} {
		stripped = strings.ReplaceAll(stripped, code, "")
	}
	if stripped != without.String() {
		t.Error("colours change the text")
	}
	if Coloured(&with) {
		t.Error("a buffer is taken for a terminal")
	}
}
