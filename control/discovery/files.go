package discovery

import (
	"net/netip"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/anygate/anygate/control/mark"
)

// file is a file of the system in the form that a parser gives it. It is read
// again when it has changed.
type file[T any] struct {
	path  string
	parse func(text string) T

	mu      sync.Mutex
	checked time.Time
	mark    mark.Mark // of the file that value was made of
	value   *T
}

// get is what the file says; one that cannot be read is empty, or says what it
// did before.
func (f *file[T]) get() *T {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	if f.value != nil && now.Sub(f.checked) < time.Second {
		return f.value
	}
	f.checked = now
	info, err := os.Stat(f.path)
	if err == nil && f.value != nil && mark.Of(info) == f.mark {
		return f.value
	}
	var text []byte
	if err == nil {
		text, err = os.ReadFile(f.path)
	}
	if err == nil {
		f.mark = mark.Of(info)
	} else if f.value != nil && !os.IsNotExist(err) {
		return f.value
	}
	v := f.parse(string(text))
	f.value = &v
	return f.value
}

// lines are the fields of the lines of a file, without comments.
func lines(text, comment string, line func(fields []string)) {
	for l := range strings.Lines(text) {
		if i := strings.IndexAny(l, comment); i >= 0 {
			l = l[:i]
		}
		if fields := strings.Fields(l); len(fields) > 0 {
			line(fields)
		}
	}
}

// hosts is a hosts file: addresses by name, in lower case (hosts(5)).
type hosts map[string][]netip.Addr

func parseHosts(text string) hosts {
	h := make(hosts)
	lines(text, "#", func(fields []string) {
		ip, err := netip.ParseAddr(fields[0])
		if err != nil {
			return
		}
		for _, name := range fields[1:] {
			key := hostsKey(name)
			h[key] = append(h[key], ip.Unmap())
		}
	})
	return h
}

// hostsKey is the form in which a name is compared.
func hostsKey(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) }

// conf is a resolv.conf (resolv.conf(5)).
type conf struct {
	servers  []netip.AddrPort
	search   []string // domains, with a trailing dot
	ndots    int
	timeout  time.Duration // for one server to answer
	attempts int
	rotate   bool
	tcp      bool // only
}

func parseConf(text string) conf {
	c := conf{ndots: 1, timeout: 5 * time.Second, attempts: 2}
	lines(text, "#;", func(fields []string) {
		values := fields[1:]
		switch fields[0] {
		case "nameserver":
			if len(values) > 0 && len(c.servers) < maxNameServers {
				if ip, err := netip.ParseAddr(values[0]); err == nil {
					c.servers = append(c.servers, netip.AddrPortFrom(ip.Unmap(), 53))
				}
			}
		case "domain", "search":
			// The last of them counts.
			c.search = nil
			for _, domain := range values {
				if domain = strings.TrimSuffix(domain, ".") + "."; domain != "." {
					c.search = append(c.search, domain)
				}
			}
		case "options":
			for _, option := range values {
				c.option(option)
			}
		}
	})
	if len(c.servers) == 0 {
		c.servers = []netip.AddrPort{
			netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), 53),
			netip.AddrPortFrom(netip.IPv6Loopback(), 53),
		}
	}
	return c
}

// option takes in one of the options that matter here, within glibc's bounds.
func (c *conf) option(option string) {
	name, value, _ := strings.Cut(option, ":")
	n, err := strconv.Atoi(value)
	switch {
	case name == "rotate":
		c.rotate = true
	case name == "use-vc":
		c.tcp = true
	case err != nil:
	case name == "ndots":
		c.ndots = min(max(n, 0), 15)
	case name == "timeout":
		c.timeout = time.Duration(min(max(n, 1), 30)) * time.Second
	case name == "attempts":
		c.attempts = min(max(n, 1), 5)
	}
}

// candidates are the names that a name may stand for, in the order in which
// they are to be tried, each with a trailing dot.
func (c *conf) candidates(name string) []string {
	if strings.HasSuffix(name, ".") {
		return []string{name}
	}
	name += "."
	var list []string
	for _, domain := range c.search {
		list = append(list, name+domain)
	}
	if strings.Count(name, ".")-1 >= c.ndots {
		return append([]string{name}, list...)
	}
	return append(list, name)
}
