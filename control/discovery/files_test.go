package discovery

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"
)

func TestParseConf(t *testing.T) {
	const usual = "[127.0.0.1:53 [::1]:53] [] 1 5s 2 false false"
	tests := []struct {
		name, text, want string
	}{
		{"nothing", "", usual},
		{"servers", "nameserver 10.0.0.1\nnameserver fe80::1%eth0\nnameserver ::ffff:10.0.0.2\nnameserver 10.0.0.4\n", "[10.0.0.1:53 [fe80::1%eth0]:53 10.0.0.2:53] [] 1 5s 2 false false"},
		{"comments", "# nameserver 10.0.0.1\n; nameserver 10.0.0.2\nnameserver 10.0.0.3 # it\n", "[10.0.0.3:53] [] 1 5s 2 false false"},
		{"search", "search a.test b.test.\n", "[127.0.0.1:53 [::1]:53] [a.test. b.test.] 1 5s 2 false false"},
		{"options", "options ndots:3 timeout:7 attempts:4 rotate use-vc edns0 trust-ad\n", "[127.0.0.1:53 [::1]:53] [] 3 7s 4 true true"},
		{"options out of bounds", "options ndots:99 timeout:99 attempts:99\n", "[127.0.0.1:53 [::1]:53] [] 15 30s 5 false false"},
		{"options below them", "options ndots:-1 timeout:0 attempts:0\n", "[127.0.0.1:53 [::1]:53] [] 0 1s 1 false false"},
		{"rubbish", "nameserver\nnameserver x\nsearch\noptions\noptions ndots:x timeout attempts:\nsortlist 1\n", usual},
		{"no line break at the end", "nameserver 10.0.0.1", "[10.0.0.1:53] [] 1 5s 2 false false"},
		{"Windows", "nameserver 10.0.0.1\r\noptions rotate\r\n", "[10.0.0.1:53] [] 1 5s 2 true false"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := parseConf(test.text)
			if got := fmt.Sprint(c.servers, c.search, c.ndots, c.timeout, c.attempts, c.rotate, c.tcp); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestHostsFile(t *testing.T) {
	s := newServer(t)
	s.set(t, "dns.test. A", "dns.test. 60 A 10.9.9.9")
	d := system(t, oneTry, `
127.0.1.1   Machine machine.test # a comment
10.0.0.1    web web.test
10.0.0.2    web.test
fd00::1     web.test
::ffff:10.0.0.3 mapped
nonsense    dns.test
# 10.0.0.5  dns.test
`, s)
	for _, test := range []struct{ name, want string }{
		{"web", "10.0.0.1:1"},
		{"WEB.test.", "10.0.0.1:1 10.0.0.2:1 [fd00::1]:1"},
		{"machine", "127.0.1.1:1"},
		{"mapped", "10.0.0.3:1"},
		{"dns.test", "10.9.9.9:1"},
	} {
		a, err := d.Lookup(t.Context(), Query{Name: test.name, Port: 1})
		if err != nil || text(a.Endpoints) != test.want {
			t.Errorf("%s: got %s and %v, want %s", test.name, text(a.Endpoints), err, test.want)
		}
	}
	if s.count("web.test. A") != 0 {
		t.Error("a name server was asked for a name of the hosts file")
	}
}

func TestFilesAreReadAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "hosts")
		f := file[hosts]{path: path, parse: parseHosts}
		write := func(text string, at time.Time) {
			if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			if err := os.Chtimes(path, at, at); err != nil {
				t.Fatal(err)
			}
		}
		has := func(ip string) {
			t.Helper()
			list := (*f.get())["a"]
			if ip == "" && len(list) == 0 {
				return
			}
			if len(list) != 1 || list[0] != netip.MustParseAddr(ip) {
				t.Errorf("got %v, want %s", list, ip)
			}
		}
		has("")
		write("10.0.0.1 a", time.Unix(1, 0))
		has("") // It has just been looked at.
		time.Sleep(2 * time.Second)
		has("10.0.0.1")
		write("10.0.0.2 a", time.Unix(2, 0))
		time.Sleep(2 * time.Second)
		has("10.0.0.2")
		before := f.get()
		time.Sleep(2 * time.Second)
		if f.get() != before {
			t.Error("a file that has not changed was read again")
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Second)
		has("")
	})
}
