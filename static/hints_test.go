package static

import (
	"fmt"
	"strings"
	"testing"
)

func TestHints(t *testing.T) {
	tests := []struct {
		title, page string
		want        []string
	}{
		{
			"Vite", `<!doctype html><html><head><meta charset="UTF-8"/>
<link rel="icon" href="/favicon.svg"/>
<script type="module" crossorigin src="/assets/index-BZ0vHKyV.js"></script>
<link rel="modulepreload" crossorigin href="/assets/vendor-DkAqbCxd.js">
<link rel="stylesheet" crossorigin href="/assets/index-D-6hfpQ1.css">
</head><body><div id="root"></div></body></html>`, []string{
				"</assets/index-BZ0vHKyV.js>; rel=modulepreload; crossorigin",
				"</assets/vendor-DkAqbCxd.js>; rel=modulepreload; crossorigin",
				"</assets/index-D-6hfpQ1.css>; rel=preload; as=style; crossorigin",
			},
		},
		{
			"webpack", `<html><head><link href="/static/css/main.073c9b0a.css" rel=stylesheet><script defer=defer src=/static/js/main.cda612ba.js></script></head>`, []string{
				"</static/css/main.073c9b0a.css>; rel=preload; as=style",
				"</static/js/main.cda612ba.js>; rel=preload; as=script",
			},
		},
		{"capitals and blanks", "<SCRIPT\n TYPE = 'Module'\n SRC = 'a.js' ></SCRIPT>", []string{"<a.js>; rel=modulepreload"}},
		{"an entity", `<script src="/a?x=1&amp;y=2"></script>`, []string{"</a?x=1&y=2>; rel=preload; as=script"}},
		{"another entity", `<script src="/a&lt;"></script>`, nil},
		{"credentials", `<script src="/a.js" crossorigin="use-credentials"></script>`, []string{"</a.js>; rel=preload; as=script; crossorigin=use-credentials"}},
		{"anonymous", `<script src="/a.js" crossorigin=""></script>`, []string{"</a.js>; rel=preload; as=script; crossorigin"}},
		{"relative", `<script src="./a.js"></script>`, []string{"<./a.js>; rel=preload; as=script"}},
		{"a colon that is no scheme", `<script src="/a:b.js"></script>`, []string{"</a:b.js>; rel=preload; as=script"}},
		{"a bracket in quotes", `<script title=">" src="/a.js"></script>`, []string{"</a.js>; rel=preload; as=script"}},
		{"self-closing", `<link rel=stylesheet href=/a.css />`, []string{"</a.css>; rel=preload; as=style"}},

		{"none", "<h1>hello</h1>", nil},
		{"another origin", `<script src="https://cdn.example/a.js"></script>`, nil},
		{"another authority", `<script src="//cdn.example/a.js"></script>`, nil},
		{"data", `<script src="data:text/javascript,1"></script>`, nil},
		{"inline", `<script>document.write('<script src="/a.js">')</script>`, nil},
		{"a comment", `<!-- <script src="/a.js"></script> -->`, nil},
		{"a comment that does not end", `<!-- <script src="/a.js"></script>`, nil},
		{"without scripts", `<noscript><link rel=stylesheet href=/no.css></noscript>`, nil},
		{"a template", `<template><script src="/a.js"></script></template>`, nil},
		{"for old browsers", `<script nomodule src="/a.js"></script>`, nil},
		{"data blocks", `<script type="application/json" src="/a.json"></script>`, nil},
		{"an import map", `<script type="importmap" src="/a.json"></script>`, nil},
		{"for print", `<link rel=stylesheet media=print href=/a.css>`, nil},
		{"disabled", `<link rel=stylesheet disabled href=/a.css>`, nil},
		{"an alternative", `<link rel="alternate stylesheet" href=/a.css>`, nil},
		{"no reference", `<link rel=stylesheet><script></script><link rel=stylesheet href="">`, nil},
		{"a base", `<script src="/a.js"></script><base href="/x/"><script src="b.js"></script>`, nil},
		{"a line in a reference", "<script src=\"/a\r\nSet-Cookie: x\"></script>", nil},
		{"a bracket in a reference", `<script src="/a>b"></script>`, nil},
		{"a tag that does not end", `<script src="/a.js"`, nil},
		{"a quote that does not end", `<script src="/a.js></script>`, nil},
		{"only brackets", "<<<< < >", nil},
	}
	for _, test := range tests {
		t.Run(test.title, func(t *testing.T) {
			want := ""
			for _, link := range test.want {
				want += "Link: " + link + "\r\n"
			}
			if got := string(appendHints(nil, []byte(test.page))); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

func TestHintsBounds(t *testing.T) {
	var page strings.Builder
	for i := range 100 {
		fmt.Fprintf(&page, "<script src=/%d.js></script>", i)
	}
	if got := strings.Count(string(appendHints(nil, []byte(page.String()))), "Link: "); got != maxHints {
		t.Errorf("%d hints, want %d", got, maxHints)
	}
	page.Reset()
	for range 8 {
		page.WriteString("<script src=/" + strings.Repeat("a", 500) + "></script>")
	}
	got := string(appendHints([]byte("before"), []byte(page.String())))
	if len(got) > maxHintBytes+len("before") || strings.Count(got, "Link: ") != 3 || !strings.HasSuffix(got, "\r\n") {
		t.Errorf("%d octets: %q", len(got), got)
	}
}

func TestHintsOfAnswers(t *testing.T) {
	const page = `<script type=module src=/assets/app-4f2a9c0b.js></script>`
	const line = "Link: </assets/app-4f2a9c0b.js>; rel=modulepreload\r\n"
	files := map[string]string{
		"index.html": page, "other.html": page, "large.html": page + strings.Repeat(" ", smallLimit), "plain.html": "x", "app.js": page,
	}
	on := newFixture(t, Options{EarlyHints: true}, files)
	off := newFixture(t, Options{}, files)
	tag := field(on.get("/"), "ETag")
	tests := []struct {
		title string
		r     Request
		want  string
	}{
		{"a page", Request{GET: true, Path: []byte("/")}, line},
		{"by its name", Request{GET: true, Path: []byte("/other.html")}, line},
		{"a deep link", Request{GET: true, Path: []byte("/users/7")}, line},
		{"without assets", Request{GET: true, Path: []byte("/plain.html")}, ""},
		{"beyond what is read", Request{GET: true, Path: []byte("/large.html")}, ""},
		{"no page", Request{GET: true, Path: []byte("/app.js")}, ""},
		{"missing", Request{GET: true, Path: []byte("/none.js")}, ""},
		{"HEAD", Request{HEAD: true, Path: []byte("/")}, ""},
		{"not modified", Request{GET: true, Path: []byte("/"), IfNoneMatch: []byte(tag)}, ""},
		{"a part", Request{GET: true, Path: []byte("/"), Range: []byte("bytes=0-1")}, ""},
	}
	for _, test := range tests {
		t.Run(test.title, func(t *testing.T) {
			r := test.r
			if got := on.serve(r).Hints; len(got) > 0 {
				t.Errorf("%q for a client that may not know them", got)
			}
			r.SecFetchMode = []byte("navigate")
			if got := string(on.serve(r).Hints); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
			if got := off.serve(r).Hints; len(got) > 0 {
				t.Errorf("%q although they are off", got)
			}
			if block := string(on.serve(r).Block); strings.Contains(block, "Link:") {
				t.Errorf("the hints are in the answer: %q", block)
			}
		})
	}
}
