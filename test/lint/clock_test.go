package lint

import (
	"go/ast"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"
)

// wall are the files of the product that may ask for the time of day, or make a time of it, each for a reason. The clock of
// the time of day is set forward and back; timeouts, limits and intervals of all other files go by the one that is not:
// engine.Now, or what time.Now returns, as long as it is compared and not taken apart.
var wall = map[string]string{
	"bench/":    "no part of the product",
	"telemetry": "stamps of lines",
	// The shard's clock of the day, and who asks for it.
	"engine/shard.go":               "reads it for all that follows",
	"gateway/gateway.go":            "the field Date",
	"gateway/log.go":                "stamps of lines",
	"gateway/tls.go":                "stamps of lines",
	"gateway/tls_upstream.go":       "stamps of lines",
	"gateway/h1_preamble.go":        "stamps of lines",
	"gateway/h2_conn.go":            "stamps of lines",
	"gateway/h2_receive.go":         "stamps of lines",
	"gateway/policy_token.go":       "tokens name the time in which they are good",
	"gateway/tls_client.go":         "certificates name the time in which they are good",
	"static/flight.go":              "a file that has changed within this second may change again",
	"static/openat2.go":             "the times of files",
	"static/listing_html.go":        "shows the times of files",
	"static/encoder/encoder.go":     "a time that is none, in gzip",
	"tlsedge/tickets.go":            "servers of a fleet change keys together",
	"control/explain/action.go":     "the same as static",
	"control/files/service.go":      "the same as static",
	"control/logs.go":               "stamps of lines",
	"control/mark/mark.go":          "the times of files, compared for being others",
	"control/metrics/families.go":   "metrics that are times of day",
	"cmd/anygate/sign.go":           "a signature names the time in which it was made",
	"control/discovery/exchange.go": "a deadline that has passed, whatever the clock says",
	"control/health/probe.go":       "the same, and an address that is called Unix",
}

// TestTimeOfDay looks for the time of day where no reason is known.
func TestTimeOfDay(t *testing.T) {
	used := make(map[string]bool)
	for _, p := range packages(t) {
		set, files := p.sources(t)
		for name, f := range files {
			file := path.Join(strings.TrimPrefix(p.ImportPath, module+"/"), name)
			calls := timesOfDay(f)
			if len(calls) == 0 {
				continue
			}
			granted := slices.IndexFunc(slices.Collect(maps.Keys(wall)), func(k string) bool {
				if file == k || strings.HasPrefix(file, strings.TrimSuffix(k, "/")+"/") {
					used[k] = true
					return true
				}
				return false
			})
			for _, call := range calls {
				if granted < 0 {
					t.Errorf("%s: the time of day can be set; durations go by engine.Now, or by times that are only compared", set.Position(call.Pos()))
				}
			}
		}
	}
	for k := range wall {
		if !used[k] {
			t.Errorf("%s has no need of the time of day any more", k)
		}
	}
}

// timesOfDay are the calls that take a time apart into the time of day, or put it together.
func timesOfDay(f *ast.File) (calls []ast.Node) {
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			s, ok := n.Fun.(*ast.SelectorExpr)
			if !ok {
				break
			}
			x, _ := s.X.(*ast.Ident)
			switch s.Sel.Name {
			case "Unix", "UnixMilli", "UnixMicro", "UnixNano":
				// A method of a time, or the function of the package.
				if len(n.Args) == 0 || x != nil && x.Name == "time" {
					calls = append(calls, n)
				}
			case "Round":
				// A duration of 0 takes the monotonic clock away.
				if b, ok := n.Args[0].(*ast.BasicLit); ok && b.Value == "0" {
					calls = append(calls, n)
				}
			}
		case *ast.SelectorExpr:
			if strings.HasPrefix(n.Sel.Name, "CLOCK_REALTIME") || n.Sel.Name == "Gettimeofday" {
				calls = append(calls, n)
			}
		}
		return true
	})
	return calls
}
