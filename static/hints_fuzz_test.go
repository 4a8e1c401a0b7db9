package static

import (
	"bytes"
	"testing"
)

// FuzzHints scans arbitrary pages: whatever they hold, hints are whole field lines,
// within their bounds, to references that cannot end a line or leave the origin.
func FuzzHints(f *testing.F) {
	for _, seed := range []string{
		`<script type=module src="/a.js"></script><link rel=stylesheet href=/a.css>`,
		`<link rel=modulepreload crossorigin href='/a.js'`, `<!-- -- ><script src=//x>`, "<script src=/a\r\nb>",
		`<script/src="/a.js"/>`, `<base><script src=a>`, `</script><style></styles><script src=/b></script>`, `<a =<b "='>`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, page []byte) {
		got := appendHints(nil, page)
		if len(got) > maxHintBytes || bytes.Count(got, []byte("\r\n")) > maxHints {
			t.Fatalf("%d octets for %q", len(got), page)
		}
		for line := range bytes.Lines(got) {
			reference, ok := bytes.CutPrefix(line, []byte("Link: <"))
			end := bytes.IndexByte(reference, '>')
			if !ok || end < 1 || !bytes.HasPrefix(reference[end:], []byte(">; rel=")) || !bytes.HasSuffix(line, []byte("\r\n")) {
				t.Fatalf("%q for %q", line, page)
			}
			if reference = reference[:end]; bytes.HasPrefix(reference, []byte("//")) || bytes.ContainsAny(reference, "\r\n <>\"") {
				t.Fatalf("reference %q for %q", reference, page)
			}
		}
	})
}
