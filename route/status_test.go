package route

import (
	"net/http"
	"strings"
	"testing"
)

// TestStatusNamesAreTheRegistrys compares with net/http, whose texts are the
// registry's but for the few that it has renamed since.
func TestStatusNamesAreTheRegistrys(t *testing.T) {
	renamed := map[int]string{413: "CONTENT_TOO_LARGE", 414: "URI_TOO_LONG", 416: "RANGE_NOT_SATISFIABLE", 422: "UNPROCESSABLE_CONTENT", 203: "NON_AUTHORITATIVE_INFORMATION"}
	unassigned := map[int]bool{418: true}
	upperSnake := strings.NewReplacer(" ", "_", "-", "_", "'", "")
	for code := 200; code <= 599; code++ {
		want := strings.ToUpper(upperSnake.Replace(http.StatusText(code)))
		if name, ok := renamed[code]; ok {
			want = name
		}
		if unassigned[code] {
			want = ""
		}
		if got := StatusName(code); got != want {
			t.Errorf("StatusName(%d) = %q, want %q", code, got, want)
		}
	}
}

func TestStatusByName(t *testing.T) {
	for _, s := range statusNames {
		if code, ok := StatusByName(s.name); !ok || code != s.code {
			t.Errorf("StatusByName(%q) = %d, %v", s.name, code, ok)
		}
	}
	for name, code := range map[string]int{"MOVED": 301, "TEMP_REDIRECT": 307, "PERM_REDIRECT": 308, "INTERNAL_ERROR": 500} {
		if got, ok := StatusByName(name); !ok || got != code {
			t.Errorf("StatusByName(%q) = %d, %v, want %d", name, got, ok, code)
		}
	}
	for _, name := range []string{"", "ok", "OK ", "CONTINUE", "TEAPOT"} {
		if code, ok := StatusByName(name); ok {
			t.Errorf("StatusByName(%q) = %d", name, code)
		}
	}
	if got := StatusName(301); got != "MOVED_PERMANENTLY" {
		t.Errorf("the short form is no canonical name, got %q", got)
	}
}

func TestFormerNamesLeadToStatuses(t *testing.T) {
	for former, now := range formerNames {
		if _, ok := StatusByName(former); ok {
			t.Errorf("%q is accepted, so it needs no suggestion", former)
		}
		if _, err := parseStatus(word{now, 0}); err != nil {
			t.Errorf("%q suggests %q, which is no status", former, now)
		}
	}
}
