package static

import (
	"mime"
	"strings"
	"testing"
)

func TestContentType(t *testing.T) {
	tests := []struct{ name, want string }{
		{"index.html", "text/html; charset=utf-8"},
		{"INDEX.HTM", "text/html; charset=utf-8"},
		{"a/b.css", "text/css; charset=utf-8"},
		{"app.min.js", "text/javascript; charset=utf-8"},
		{"app.mjs", "text/javascript; charset=utf-8"},
		{"app.js.map", "application/json"},
		{"data.json", "application/json"},
		{"feed.xml", "application/xml"},
		{"logo.svg", "image/svg+xml"},
		{"photo.JPEG", "image/jpeg"},
		{"font.woff2", "font/woff2"},
		{"code.wasm", "application/wasm"},
		{"site.webmanifest", "application/manifest+json"},
		{"clip.mp4", "video/mp4"},
		{"seg.ts", "video/mp2t"},
		{"archive.tar.gz", "application/gzip"},
		{"favicon.ico", "image/x-icon"},
		{".well-known/apple-app-site-association", "application/json"},
		{"report.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
		{"README", "application/octet-stream"},
		{"x.", "application/octet-stream"},
		{"x.unheardof", "application/octet-stream"},
		{"x." + strings.Repeat("y", 300), "application/octet-stream"},
	}
	for _, test := range tests {
		if got := contentType([]byte(test.name)); got != test.want {
			t.Errorf("%.40q is %q, want %q", test.name, got, test.want)
		}
	}
}

func TestContentTypesTable(t *testing.T) {
	if len(contentTypes) < 400 {
		t.Errorf("%d extensions are known", len(contentTypes))
	}
	longest := 0
	for ext, value := range contentTypes {
		longest = max(longest, len(ext))
		if ext != strings.ToLower(ext) || strings.Contains(ext, ".") {
			t.Errorf("extension %q is never looked up", ext)
		}
		kind, parameters, err := mime.ParseMediaType(value)
		if err != nil {
			t.Errorf("%s: %q: %v", ext, value, err)
		}
		if strings.HasPrefix(kind, "text/") != (parameters["charset"] == "utf-8") {
			t.Errorf("%s: %q: charset is for text, and for all of it", ext, value)
		}
	}
	if longest != longestExtension {
		t.Errorf("the longest extension has %d octets, longestExtension says %d", longest, longestExtension)
	}
}
