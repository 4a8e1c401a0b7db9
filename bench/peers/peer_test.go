package peers

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func testSite(t *testing.T, upstream int) Site {
	return Site{
		Port: 20001, Root: "/srv/site", Upstream: upstream, Scratch: t.TempDir(), Workers: 1,
		Path: "/fixed", Content: 2, Descriptors: 20000,
	}
}

// TestLaunch renders every peer's configuration, with an upstream and without.
func TestLaunch(t *testing.T) {
	for _, peer := range append(Default(), AnyGate("old", "/tmp/old")...) {
		t.Run(peer.Name, func(t *testing.T) {
			for _, upstream := range []int{0, 20002} {
				site := testSite(t, upstream)
				if upstream == 0 {
					site.TLS, site.Certificate, site.Key, site.Bundle = 20003, "/srv/site.crt", "/srv/site.key", "/srv/site.pem"
				}
				if upstream != 0 {
					site.Metrics, site.Limited = 20004, true
				}
				spec, err := peer.Launch("/bin/program", site, nil)
				if err != nil {
					t.Fatal(err)
				}
				if !slices.Contains(spec.Argv, "/bin/program") || spec.Dir != site.Scratch {
					t.Errorf("it would start %q in %s", spec.Argv, spec.Dir)
				}
				said := strings.Join(spec.Argv, " ")
				if peer.Config != "" {
					text, err := os.ReadFile(filepath.Join(site.Scratch, peer.Config))
					if err != nil {
						t.Fatal(err)
					}
					said += string(text)
				}
				if !strings.Contains(said, "20001") {
					t.Errorf("nobody tells it its port: %s", said)
				}
				if proxies := strings.Contains(said, "20002"); peer.Config != "" && proxies != (upstream != 0) {
					t.Errorf("with upstream %d: %s", upstream, said)
				}
				if encrypts := strings.Contains(said, "20003"); encrypts != (site.TLS != 0 && peer.Can(TLS)) {
					t.Errorf("with TLS on %d: %s", site.TLS, said)
				}
				if observes := strings.Contains(said, "20004") && strings.Contains(said, site.Log()); observes != (upstream != 0 && peer.Can(Observed)) {
					t.Errorf("with metrics on %d: %s", site.Metrics, said)
				}
				if limits := strings.Contains(said, "1000000"+map[bool]string{true: "r"}[peer.Name == "nginx"]+"/s"); limits != (site.Limited && peer.Can(Limited)) {
					t.Errorf("limited %t: %s", site.Limited, said)
				}
				if strings.Contains(said, "<no value>") {
					t.Errorf("a template lacks a value: %s", said)
				}
			}
		})
	}
}

func TestNamesAreUnique(t *testing.T) {
	names := Names(Default())
	slices.Sort(names)
	if len(slices.Compact(slices.Clone(names))) != len(names) {
		t.Errorf("two peers share a name: %v", names)
	}
	for _, peer := range Default() {
		if peer.About == "" || !peer.Can(Fixed) || peer.Find == nil || peer.Version == nil {
			t.Errorf("%s is incomplete", peer.Name)
		}
	}
}

func TestFloorIsToldWhatToAnswer(t *testing.T) {
	peer := floor()
	site := testSite(t, 20002)
	tests := []struct {
		path    string
		content int64
		closing bool
		want    string
	}{
		{"/fixed", 2, false, "floor fixed 20001 2"},
		{"/fixed", 2, true, "floor fixed 20001 2 close"},
		{"/static/64k.bin", 65536, false, "floor fixed 20001 65536"},
		{"/proxy/ok", 2, false, "floor relay 20001 20002"},
	}
	for _, test := range tests {
		site.Path, site.Content, site.Closing = test.path, test.content, test.closing
		if got := strings.Join(peer.Command("floor", "", site), " "); got != test.want {
			t.Errorf("%s: %q, want %q", test.path, got, test.want)
		}
	}
}

func TestMissingProgramSaysHowToGetIt(t *testing.T) {
	_, err := installed("no-such-server", "no-such-package")(t.Context(), Workshop{})
	if err == nil || !strings.Contains(err.Error(), "apt-get install no-such-package") {
		t.Errorf("error %v", err)
	}
	_, err = AnyGate("old", "/no/such/program")[0].Find(t.Context(), Workshop{})
	if err == nil || !strings.Contains(err.Error(), "old") {
		t.Errorf("error %v", err)
	}
}

// TestFloorServes compiles the floor and has it answer requests that arrive in pieces and in batches.
func TestFloorServes(t *testing.T) {
	module, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	program, err := compileFloor(t.Context(), Workshop{Module: module, Bin: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	address, upstream := startFloor(t, program, "fixed", "2"), ""
	for _, pieces := range [][]string{
		{"GET / HTTP/1.1\r\n\r\n"},
		{"GET / HTTP/1.1\r\n\r", "\n"},
		{"GET / HTTP/1.1\r", "\n", "\r", "\n"},
		{"GET / HTTP/1.1\r\nA: b\r\n\r\nGET / HTTP/1.1\r\n\r\nGET", " / HTTP/1.1\r\n\r\n"},
	} {
		want := strings.Count(strings.Join(pieces, ""), "\r\n\r\n")
		if got := answers(t, address, pieces, want); got != want {
			t.Errorf("pieces %q: %d answers, want %d", pieces, got, want)
		}
	}
	_, upstream, _ = strings.Cut(address, ":")
	relay := startFloor(t, program, "relay", upstream)
	if got := answers(t, relay, []string{"GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n"}, 2); got != 2 {
		t.Errorf("%d answers through the relay, want 2", got)
	}
}
