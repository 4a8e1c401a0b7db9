package static

import "testing"

func TestNavigates(t *testing.T) {
	tests := []struct {
		title        string
		accept, mode string
		want         bool
	}{
		{"Chromium", "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8", "navigate", true},
		{"an old browser", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "", true},
		{"mode alone", "", "navigate", true},
		{"mode in capitals", "", "NAVIGATE", true},
		{"capitals", "Text/HTML", "", true},
		{"not first", "application/json, text/html", "", true},
		{"with parameters", "text/html;level=1;q=0.5", "", true},
		{"a page fetched by a script", "text/html, application/xhtml+xml", "cors", true},
		{"nothing said", "", "", false},
		{"curl", "*/*", "", false},
		{"fetch", "*/*", "cors", false},
		{"any text", "text/*", "", false},
		{"JSON", "application/json", "same-origin", false},
		{"refused", "text/html;q=0", "", false},
		{"refused in full", "text/html ; q=0.000 , */*", "", false},
		{"barely", "text/html;q=0.001", "", true},
		{"longer type", "text/html5", "", false},
		{"in a parameter", "application/x;type=text/html", "", false},
		{"commas", ",,,", "", false},
	}
	for _, test := range tests {
		t.Run(test.title, func(t *testing.T) {
			r := Request{Accept: []byte(test.accept), SecFetchMode: []byte(test.mode)}
			if got := navigates(&r); got != test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

func TestWeight(t *testing.T) {
	tests := []struct {
		accept string
		want   int
	}{
		{"text/html", 1000},
		{"text/html;q=1", 1000},
		{"text/html;q=1.000", 1000},
		{"text/html;q=0.5", 500},
		{"text/html; Q=0.05", 50},
		{"text/html;level=1;q=0.123", 123},
		{"a/b;q=0.1, text/html;q=0.2", 200},
		{"text/html;q=0.", 0},
		{"text/html;q=0", 0},
		{"text/html;q=", 0},
		{"text/html;q=2", 0},
		{"text/html;q=1.1", 1000},
		{"text/html;q=0.1234", 0},
		{"text/html;q=.5", 0},
		{"text/html;q=0.x", 0},
		{"text/html;query=0", 1000},
		{"text/*", 0},
		{"*/*", 0},
		{"", 0},
	}
	for _, test := range tests {
		if got := named([]byte(test.accept), "text/html"); got != test.want {
			t.Errorf("%q: %d, want %d", test.accept, got, test.want)
		}
	}
}
