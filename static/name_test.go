package static

import (
	"strings"
	"testing"
)

func TestAppendName(t *testing.T) {
	tests := []struct {
		title     string
		path      string
		name      string
		directory bool
		verdict   verdict
	}{
		{"the root", "/", "", true, nameFine},
		{"an empty path", "", "", true, nameFine},
		{"slashes only", "///", "", false, nameImpossible},
		{"a file", "/a.txt", "a.txt", false, nameFine},
		{"a directory", "/a/b/", "a/b", true, nameFine},
		{"a doubled slash at the start", "//a", "", false, nameImpossible},
		{"a doubled slash", "/a//b", "", false, nameImpossible},
		{"a doubled slash at the end", "/a//", "", false, nameImpossible},
		{"an encoded space", "/a%20b", "a b", false, nameFine},
		{"lower-case digits", "/%c3%a4", "\xc3\xa4", false, nameFine},
		{"decoded once", "/%2541", "%41", false, nameFine},
		{"an encoded backslash is a character", "/a%5Cb", `a\b`, false, nameFine},
		{"a line feed is a character", "/a%0Ab", "a\nb", false, nameFine},
		{"an encoded slash", "/a%2Fb", "", false, nameImpossible},
		{"an encoded slash in lower case", "/a%2fb", "", false, nameImpossible},
		{"a NUL", "/a%00", "", false, nameMalformed},
		{"a bare NUL", "/a\x00", "", false, nameMalformed},
		{"a cut encoding", "/a%", "", false, nameMalformed},
		{"a half encoding", "/a%4", "", false, nameMalformed},
		{"an encoding of letters", "/a%GG", "", false, nameMalformed},
		{"a hidden file", "/.env", "", false, nameHidden},
		{"a hidden directory", "/.git/config", "", false, nameHidden},
		{"hidden deeper", "/a/.b/c", "", false, nameHidden},
		{"hidden by encoding", "/%2eenv", "", false, nameHidden},
		{"dot", "/a/./b", "", false, nameHidden},
		{"dots", "/a/../b", "", false, nameHidden},
		{"dots at the end", "/a/..", "", false, nameHidden},
		{"encoded dots", "/%2e%2E/b", "", false, nameHidden},
		{"well-known", "/.well-known/x", ".well-known/x", false, nameFine},
		{"well-known alone", "/.well-known/", ".well-known", true, nameFine},
		{"not well-known", "/.well-known2", "", false, nameHidden},
		{"a dot inside", "/a.b.c", "a.b.c", false, nameFine},
		{"the longest", "/" + strings.Repeat("x", nameLimit-1), strings.Repeat("x", nameLimit-1), false, nameFine},
		{"slashes without end", strings.Repeat("/", pathLimit) + "a", "", false, nameImpossible},
		{"too long", "/" + strings.Repeat("x", nameLimit), "", false, nameImpossible},
	}
	for _, test := range tests {
		t.Run(test.title, func(t *testing.T) {
			name, directory, v := appendName([]byte("kept"), []byte(test.path))
			if v != test.verdict {
				t.Fatalf("verdict %d, want %d", v, test.verdict)
			}
			if v != nameFine {
				return
			}
			if string(name) != "kept"+test.name || directory != test.directory {
				t.Errorf("name %.80q directory %v, want %.80q %v", name, directory, test.name, test.directory)
			}
		})
	}
}

func TestPlainPath(t *testing.T) {
	tests := []struct {
		path  string
		plain bool
	}{
		{"/", true},
		{"/a/b.txt", true},
		{"/a%20b", true},
		{"/%C3%A4", true},
		{"/!$&'()*+,;=:@-._~", true},
		{"/50%25", true},
		{"//a", false},
		{"/a//b", false},
		{"/a/", true},
		{"/a%21", false},
		{"/a%2Eb", false},
		{"/%c3%a4", false},
		{"/%C3%a4", false},
		{"/\xc3\xa4", false},
		{"/a b", false},
		{"/a%", false},
		{"/a%2", false},
	}
	for _, test := range tests {
		if got := plainPath([]byte(test.path)); got != test.plain {
			t.Errorf("plainPath(%q) = %v, want %v", test.path, got, test.plain)
		}
	}
}

func TestExtension(t *testing.T) {
	tests := []struct{ name, extension string }{
		{"a.txt", "txt"},
		{"a.tar.gz", "gz"},
		{"dir.d/a", ""},
		{"dir.d/a.b", "b"},
		{".hidden", ""},
		{"a.", ""},
		{"", ""},
	}
	for _, test := range tests {
		if got := extension([]byte(test.name)); string(got) != test.extension {
			t.Errorf("extension(%q) = %q, want %q", test.name, got, test.extension)
		}
	}
}
