package integration

import (
	"html"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/anygate/anygate/test/internal/origin"
	"github.com/anygate/anygate/test/internal/peer"
	"github.com/anygate/anygate/test/internal/product"
)

// facts are what the application in testdata/spa has written into its document, by id.
func facts(document string) map[string]string {
	found := map[string]string{}
	for _, m := range regexp.MustCompile(`(?s)<(?:li|main) id="(\w+)">(.*?)</`).FindAllStringSubmatch(document, -1) {
		found[m[1]] = html.UnescapeString(m[2])
	}
	return found
}

// A browser loads a single-page application whose interface is proxied: modules, styles, calls, a click on a link, and a
// reload of the deep link that it led to. Peers: Chromium before, Go's net/http behind.
func TestBrowser(t *testing.T) {
	eachEngineParallel(t, func(t *testing.T, e product.Engine) {
		up := origin.Start(t)
		s := product.Start(t, product.Config{Engine: e, Text: `
log: {access: stdout json}
routes:
  "/": ` + absolute(t, "testdata/spa") + `
  "/api/": http://` + up.Addr + `/
`})
		for _, path := range []string{"/", "/orders/7"} {
			document := peer.Chromium(t, s.URL(path), 20*time.Second)
			got := facts(document)
			for name, want := range map[string]string{
				"view":       "order 7: 200 GET /orders/7?full=1 spa",
				"navigation": "200",
				"protocols":  "http/1.1",
				"style":      "rgb(1, 2, 3)",
				"missing":    "404",
				"module":     "failed",
				"posted":     "a new order",
				"large":      "3000000",
				"socket":     "echo: through a tunnel",
				"done":       "/orders/7",
			} {
				if got[name] != want {
					t.Errorf("%s: %s is %q, want %q", path, name, got[name], want)
				}
			}
			if t.Failed() {
				t.Fatalf("%s: the document:\n%s", path, document)
			}
		}
		s.Stop(t)
		// The first visit has loaded the document of the home page, and then that of the deep link.
		log := s.Stdout.String()
		for path, least := range map[string]int{`"/"`: 1, `"/orders/7"`: 2, `"/assets/app.js"`: 2, `"/assets/router.js"`: 2} {
			if n := strings.Count(log, path); n < least {
				t.Errorf("%s was asked for %d times, want %d at least:\n%s", path, n, least, log)
			}
		}
	})
}
