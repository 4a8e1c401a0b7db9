package deploy

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

// rows are the cells of a table of the status page, as the browser has it.
func rows(document, table string) (list [][]string) {
	_, rest, _ := strings.Cut(document, `<table id="`+table+`">`)
	rest, _, _ = strings.Cut(rest, "</table>")
	_, body, _ := strings.Cut(rest, "<tbody>")
	for _, row := range regexp.MustCompile(`(?s)<tr>(.*?)</tr>`).FindAllStringSubmatch(body, -1) {
		var cells []string
		for _, cell := range regexp.MustCompile(`(?s)<td[^>]*>(.*?)</td>`).FindAllStringSubmatch(row[1], -1) {
			cells = append(cells, html.UnescapeString(cell[1]))
		}
		list = append(list, cells)
	}
	return list
}

// TestStatusPage opens the page in Chromium.
func TestStatusPage(t *testing.T) {
	up := origin.Start(t)
	s := product.Start(t, product.Config{Engine: "auto", Server: "shards: 2", Text: `
admin: 127.0.0.1:0
upstreams: {api: [` + up.Addr + `]}
routes: {"/fixed": OK, "/api/": http://api/, "/gone": GONE}
`})
	for _, path := range []string{"/fixed", "/api/", "/gone", "/gone"} {
		get(t, s.URL(path))
	}
	address := Admin(t, s)
	document := peer.Chromium(t, "http://"+address+"/", 5*time.Second)
	requests := make(map[string]string)
	for _, row := range rows(document, "routes") {
		requests[row[0]] = row[len(row)-1]
	}
	if requests["/fixed"] != "1" || requests["/api/"] != "1" || requests["/gone"] != "2" {
		t.Errorf("the routes are %v", requests)
	}
	if members := rows(document, "upstreams"); len(members) != 1 || members[0][0] != "api "+up.Addr || members[0][1] != "available" {
		t.Errorf("the members are %v", members)
	}
	if shards := rows(document, "shards"); len(shards) != 2 || shards[1][1] != "ok" {
		t.Errorf("the shards are %v", shards)
	}
	if t.Failed() {
		t.Logf("the document:\n%s", document)
	}
	s.Stop(t)
}
