package tuning

import (
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files and the generated part of docs/tuning.md")

// server is a machine of four processors and one interface with two queues, as a distribution sets it up. A name that ends in a
// slash is a directory; a text that starts with "->" is a symbolic link.
var server = map[string]string{
	"/proc/1/cgroup":                       "0::/init.scope\n",
	"/proc/self/cgroup":                    "0::/user.slice/session-1.scope\n",
	"/proc/self/mountinfo":                 "22 1 0:21 / /proc rw,relatime - proc proc rw\n1 0 8:1 / / rw - ext4 /dev/sda1 rw\n",
	"/proc/self/uid_map":                   "         0          0 4294967295\n",
	"/proc/self/limits":                    "Limit                     Soft Limit           Hard Limit           Units     \nMax open files            1024                 524288               files     \nMax locked memory         8388608              8388608              bytes     \n",
	"/proc/cmdline":                        "root=/dev/sda1 quiet\n",
	"/proc/meminfo":                        "MemTotal:       16384000 kB\nMemFree:         1024000 kB\n",
	"/proc/interrupts":                     "            CPU0       CPU1       CPU2       CPU3\n  40:          1          0          0          0  PCI-MSI 524288-edge      virtio0-config\n  41:          9          0          0          0  PCI-MSI 524289-edge      virtio0-input.0\n  42:          0          0          0          0  PCI-MSI 524290-edge      virtio0-output.0\n  43:          9          0          0          0  PCI-MSI 524291-edge      virtio0-input.1\n",
	"/proc/irq/41/effective_affinity_list": "0\n",
	"/proc/irq/43/smp_affinity_list":       "0\n",
	"/proc/net/netstat":                    "TcpExt: SyncookiesSent PruneCalled ListenOverflows ListenDrops TCPBacklogDrop TCPReqQFullDrop\nTcpExt: 0 0 0 0 0 0\nIpExt: InNoRoutes\nIpExt: 0\n",
	"/proc/net/snmp":                       "Tcp: RtoAlgorithm InSegs OutSegs RetransSegs\nTcp: 1 1000000 1000000 100\n",
	"/proc/net/softnet_stat":               "000186a0 00000000 00000000 00000000\n000186a0 00000000 00000000 00000000\n",
	"/proc/net/sockstat":                   "sockets: used 24\nTCP: inuse 8 orphan 0 tw 12 alloc 8 mem 72\n",

	"/proc/sys/kernel/osrelease":                          "6.12.9-amd64\n",
	"/proc/sys/kernel/io_uring_disabled":                  "0\n",
	"/proc/sys/kernel/io_uring_group":                     "-1\n",
	"/proc/sys/kernel/nmi_watchdog":                       "1\n",
	"/proc/sys/kernel/numa_balancing":                     "0\n",
	"/proc/sys/kernel/timer_migration":                    "1\n",
	"/proc/sys/fs/file-max":                               "9223372036854775807\n",
	"/proc/sys/fs/file-nr":                                "1024\t0\t9223372036854775807\n",
	"/proc/sys/fs/nr_open":                                "1048576\n",
	"/proc/sys/vm/swappiness":                             "60\n",
	"/proc/sys/vm/max_map_count":                          "65530\n",
	"/proc/sys/vm/stat_interval":                          "1\n",
	"/proc/sys/vm/vfs_cache_pressure":                     "100\n",
	"/proc/sys/net/core/somaxconn":                        "4096\n",
	"/proc/sys/net/core/busy_poll":                        "0\n",
	"/proc/sys/net/core/busy_read":                        "0\n",
	"/proc/sys/net/core/default_qdisc":                    "fq_codel\n",
	"/proc/sys/net/core/netdev_budget":                    "300\n",
	"/proc/sys/net/core/netdev_budget_usecs":              "8000\n",
	"/proc/sys/net/core/netdev_max_backlog":               "1000\n",
	"/proc/sys/net/core/rmem_max":                         "212992\n",
	"/proc/sys/net/core/wmem_max":                         "212992\n",
	"/proc/sys/net/core/rps_sock_flow_entries":            "0\n",
	"/proc/sys/net/ipv4/ip_local_port_range":              "32768\t60999\n",
	"/proc/sys/net/ipv4/ip_local_reserved_ports":          "\n",
	"/proc/sys/net/ipv4/tcp_abort_on_overflow":            "0\n",
	"/proc/sys/net/ipv4/tcp_allowed_congestion_control":   "reno cubic\n",
	"/proc/sys/net/ipv4/tcp_available_congestion_control": "reno cubic bbr\n",
	"/proc/sys/net/ipv4/tcp_congestion_control":           "cubic\n",
	"/proc/sys/net/ipv4/tcp_fastopen":                     "1\n",
	"/proc/sys/net/ipv4/tcp_fin_timeout":                  "60\n",
	"/proc/sys/net/ipv4/tcp_keepalive_time":               "7200\n",
	"/proc/sys/net/ipv4/tcp_max_orphans":                  "65536\n",
	"/proc/sys/net/ipv4/tcp_max_syn_backlog":              "1024\n",
	"/proc/sys/net/ipv4/tcp_max_tw_buckets":               "65536\n",
	"/proc/sys/net/ipv4/tcp_mem":                          "190000\t253000\t380000\n",
	"/proc/sys/net/ipv4/tcp_migrate_req":                  "0\n",
	"/proc/sys/net/ipv4/tcp_mtu_probing":                  "0\n",
	"/proc/sys/net/ipv4/ip_forward":                       "1\n",
	"/proc/sys/net/ipv4/tcp_notsent_lowat":                "4294967295\n",
	"/proc/sys/net/ipv4/tcp_rmem":                         "4096\t131072\t33554432\n",
	"/proc/sys/net/ipv4/tcp_slow_start_after_idle":        "1\n",
	"/proc/sys/net/ipv4/tcp_syncookies":                   "1\n",
	"/proc/sys/net/ipv4/tcp_tw_reuse":                     "2\n",
	"/proc/sys/net/ipv4/tcp_wmem":                         "4096\t16384\t4194304\n",

	"/sys/devices/system/cpu/online":                                     "0-3\n",
	"/sys/devices/system/cpu/isolated":                                   "\n",
	"/sys/devices/system/cpu/smt/control":                                "on\n",
	"/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor":              "schedutil\n",
	"/sys/devices/system/cpu/cpu1/cpufreq/scaling_governor":              "schedutil\n",
	"/sys/devices/system/cpu/cpu0/cpufreq/energy_performance_preference": "balance_performance\n",
	"/sys/devices/system/cpu/cpu0/cpuidle/state0/name":                   "POLL\n",
	"/sys/devices/system/cpu/cpu0/cpuidle/state0/latency":                "0\n",
	"/sys/devices/system/cpu/cpu0/cpuidle/state0/disable":                "0\n",
	"/sys/devices/system/cpu/cpu0/cpuidle/state1/name":                   "C6\n",
	"/sys/devices/system/cpu/cpu0/cpuidle/state1/latency":                "133\n",
	"/sys/devices/system/cpu/cpu0/cpuidle/state1/disable":                "0\n",
	"/sys/devices/system/cpu/vulnerabilities/meltdown":                   "Mitigation: PTI\n",
	"/sys/devices/system/cpu/vulnerabilities/l1tf":                       "Not affected\n",
	"/sys/devices/system/cpu/vulnerabilities/retbleed":                   "Vulnerable\n",
	"/sys/devices/system/node/online":                                    "0\n",
	"/sys/fs/cgroup/cgroup.controllers":                                  "cpu memory\n",
	"/sys/fs/cgroup/user.slice/session-1.scope/":                         "",
	"/sys/kernel/mm/transparent_hugepage/enabled":                        "[always] madvise never\n",
	"/sys/devices/pci0/msi_irqs/40":                                      "msix\n",
	"/sys/devices/pci0/msi_irqs/41":                                      "msix\n",
	"/sys/devices/pci0/msi_irqs/42":                                      "msix\n",
	"/sys/devices/pci0/msi_irqs/43":                                      "msix\n",
	"/sys/devices/pci0/virtio0/":                                         "",
	"/sys/class/net/eth0/device":                                         "->../../../devices/pci0/virtio0",
	"/sys/class/net/eth0/queues/rx-0/rps_cpus":                           "0\n",
	"/sys/class/net/eth0/queues/rx-1/rps_cpus":                           "0\n",
	"/sys/class/net/eth0/queues/tx-0/xps_cpus":                           "3\n",
	"/sys/class/net/eth0/queues/tx-1/xps_cpus":                           "c\n",
	"/sys/class/net/eth0/statistics/rx_packets":                          "1000000\n",
	"/sys/class/net/eth0/statistics/rx_dropped":                          "0\n",
	"/sys/class/net/eth0/statistics/rx_missed_errors":                    "0\n",
	"/sys/class/net/lo/queues/rx-0/rps_cpus":                             "0\n",
	"/etc/":                                                              "",
	"/var/lib/":                                                          "",
}

// serverLink is what the driver of its interface says.
var serverLink = Link{
	Rings:    &Rings{RX: 256, RXMax: 4096, TX: 256, TXMax: 4096},
	Channels: &Channels{Combined: 2, CombinedMax: 4},
	Coalesce: &Coalesce{Usecs: 100},
	Features: map[string]bool{"gro": true, "gso": true, "tso": false, "lro": true, "tls-hw-tx-offload": false},
}

// newHost makes the server with some files changed; a file that is nil is not there.
func newHost(t *testing.T, changes map[string]*string) *Host {
	t.Helper()
	root := memoryDir(t)
	for name, text := range server {
		path := filepath.Join(root, name)
		if strings.HasSuffix(name, "/") {
			path += "/"
		}
		place(t, path, text)
	}
	h := &Host{
		Root: root,
		Link: func(string) (Link, error) { return serverLink, nil },
		Qdiscs: func() (map[string][]string, error) {
			return map[string][]string{"eth0": {"mq", "fq_codel", "fq_codel"}}, nil
		},
	}
	change(t, h, changes)
	return h
}

// memoryDir is a directory in memory where there is such a thing: a hundred small files, synced one by one, take long on a disk.
func memoryDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "anygate-tuning-*")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// place makes a file with the directories above it.
func place(t *testing.T, path, text string) {
	t.Helper()
	target, link := strings.CutPrefix(text, "->")
	switch {
	case text == "" && strings.HasSuffix(path, "/"):
		must(t, os.MkdirAll(path, 0o755))
		return
	case link:
		must(t, os.MkdirAll(filepath.Dir(path), 0o755))
		must(t, os.Symlink(target, path))
		return
	}
	must(t, os.MkdirAll(filepath.Dir(path), 0o755))
	must(t, os.WriteFile(path, []byte(text), 0o644))
}

// change changes files of a host.
func change(t *testing.T, h *Host, changes map[string]*string) {
	t.Helper()
	for name, text := range changes {
		if text == nil {
			must(t, os.Remove(h.path(name)))
		} else {
			path := h.path(name)
			if strings.HasSuffix(name, "/") {
				path += "/"
			}
			place(t, path, *text)
		}
	}
}

// restore takes changes back.
func restore(t *testing.T, h *Host, changes map[string]*string) {
	t.Helper()
	for name := range changes {
		if err := os.Remove(h.path(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		if text, there := server[name]; there {
			place(t, h.path(name), text)
		}
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// is points at a text.
func is(s string) *string { return &s }

// siteAndAPI is a service that listens and has a proxy.
var siteAndAPI = Service{Config: "/etc/anygate/anygate.yml", Ports: []int{80, 443, 9000, 33000}, Proxies: true}

// golden compares a text with a file.
func golden(t *testing.T, name string, text []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		must(t, os.MkdirAll(filepath.Dir(path), 0o755))
		must(t, os.WriteFile(path, text, 0o644))
		return
	}
	want, err := os.ReadFile(path)
	must(t, err)
	if string(want) != string(text) {
		t.Errorf("%s differs from:\n%s\n('go test ./tuning -update' writes it anew)", path, text)
	}
}

// snapshot is every file below a root, with its mode.
func snapshot(t *testing.T, root string) map[string]string {
	t.Helper()
	out := make(map[string]string)
	must(t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		text := info.Mode().String()
		if info.Mode().IsRegular() {
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			text += " " + string(b)
		}
		out[path] = text
		return nil
	}))
	return out
}

func sameSnapshot(t *testing.T, what string, before, after map[string]string) {
	t.Helper()
	for path, text := range before {
		if after[path] != text {
			t.Errorf("%s: %s was %q and is %q", what, path, text, after[path])
		}
	}
	for path := range after {
		if _, there := before[path]; !there {
			t.Errorf("%s: %s is left behind", what, path)
		}
	}
}

func chmod(h *Host, name string, mode fs.FileMode) error { return os.Chmod(h.path(name), mode) }
