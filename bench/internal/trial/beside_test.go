package trial

import (
	"testing"

	"github.com/anygate/anygate/bench/internal/generate"
	"github.com/anygate/anygate/bench/internal/load"
	"github.com/anygate/anygate/bench/internal/report"
)

func TestBesideOfNginx(t *testing.T) {
	for name, ask := range map[string]Ask{"observed": {Observed: true}, "limited": {Limited: true}} {
		t.Run(name, func(t *testing.T) {
			ask.Path, ask.Request = "/fixed", generate.Request{Head: generate.Head("GET", "/fixed"), Status: 200, Length: 2}
			sample, err := nginxTrial(t, ask).Beside(t.Context(), load.Wrk{Connections: 2})
			if err != nil {
				t.Fatal(err)
			}
			each, without := sample.Figures[report.CPU], sample.Figures[report.WithoutCPU]
			if each <= 0 || without <= 0 || sample.Figures[report.OfWithout] != each/without {
				t.Errorf("figures %v", sample.Figures)
			}
			if sample.Failures.Sum() != 0 || len(sample.Faults) != 0 {
				t.Errorf("failures %s, faults %v", sample.Failures, sample.Faults)
			}
		})
	}
}

// TestScrapeSaysWhatIsWrong asks for metrics where there are none.
func TestScrapeSaysWhatIsWrong(t *testing.T) {
	server, err := nginxTrial(t, Ask{
		Path: "/fixed", Request: generate.Request{Head: generate.Head("GET", "/fixed"), Status: 200, Length: 2},
	}).Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer server.Stop()
	if err := scrape(t.Context(), "http://"+server.Address()+"/metrics"); err == nil {
		t.Error("a 404 is as good as metrics")
	}
}
