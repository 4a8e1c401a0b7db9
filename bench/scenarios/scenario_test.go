package scenarios

import (
	"slices"
	"strings"
	"testing"

	"github.com/anygate/anygate/bench/internal/generate"
	"github.com/anygate/anygate/bench/peers"
)

func TestScenariosAreComplete(t *testing.T) {
	names := Names(All())
	slices.Sort(names)
	if len(slices.Compact(slices.Clone(names))) != len(names) {
		t.Errorf("two scenarios share a name: %v", names)
	}
	for _, scenario := range All() {
		if scenario.Title == "" || scenario.About == "" || scenario.Run == nil || scenario.Needs == 0 {
			t.Errorf("%s is incomplete", scenario.Name)
		}
		if scenario.Lead.Kind().Unit == "" {
			t.Errorf("%s is led by %q, which is not described", scenario.Name, scenario.Lead)
		}
		for _, column := range scenario.Columns {
			if column.Kind().Unit == "" {
				t.Errorf("%s shows %q, which is not described", scenario.Name, column)
			}
		}
		checkRequest(t, scenario.Name, scenario.Ask.Request)
		if !strings.Contains(scenario.Ask.Request.Head, " "+scenario.Ask.Path+" ") {
			t.Errorf("%s: path %s is not that of its request", scenario.Name, scenario.Ask.Path)
		}
		if over, needs := scenario.Ask.Secure != nil, scenario.Needs&peers.TLS != 0; over != needs || over != (scenario.Ask.Key != "") {
			t.Errorf("%s is not clear about TLS", scenario.Name)
		}
		able := slices.DeleteFunc(peers.Default(), func(p *peers.Peer) bool { return !p.Can(scenario.Needs) })
		// OpenSSL 3.0, which nginx is linked with on Debian 12, has no post-quantum key exchange.
		if scenario.Needs&peers.PostQuantum == 0 && !slices.Contains(peers.Names(able), "nginx") {
			t.Errorf("%s leaves out the reference", scenario.Name)
		}
	}
}

func TestTrafficIsWellFormed(t *testing.T) {
	weights := 0
	for _, request := range traffic() {
		checkRequest(t, "mixed", request)
		weights += request.Weight
		if request.Close != strings.Contains(request.Head, "Connection: close\r\n") {
			t.Errorf("a request of the mix is not clear about its connection: %q", request.Head)
		}
	}
	if weights != 100 {
		t.Errorf("the weights of the mix add up to %d, not to per cent", weights)
	}
}

func checkRequest(t *testing.T, name string, request generate.Request) {
	t.Helper()
	if !strings.HasSuffix(request.Head, "\r\n\r\n") || strings.Count(request.Head, "\r\n\r\n") != 1 ||
		!strings.Contains(request.Head, "Host: ") || request.Status == 0 {
		t.Errorf("%s: request %q, status %d", name, request.Head, request.Status)
	}
}
