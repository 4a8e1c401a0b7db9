package integration

import (
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/anygate/anygate/test/internal/peer"
	"github.com/anygate/anygate/test/internal/product"
)

// difference is one aspect in which AnyGate deliberately answers otherwise than nginx.
type difference struct{ anygate, nginx, reason string }

// compared are requests that both answer from the same files, in curl's words. The aspects compared are the status, the
// content of 200 and 206, and the fields of aspects.
var compared = []struct {
	name, args  string
	differences map[string]difference
}{
	{"index", "/", nil},
	{"html", "/index.html", nil},
	{"css", "/style.css", nil},
	{"javascript", "/app.js", nil},
	{"json", "/data.json", nil},
	{"png", "/pixel.png", nil},
	{"svg", "/image.svg", nil},
	{"text", "/notes.txt", nil},
	{"large", "/large.bin", nil},
	{"empty", "/empty.txt", nil},
	{"no extension", "/no-extension", nil},
	{"blank", "/with%20space.txt", nil},
	{"utf-8", "/%C3%BCn%C3%AFcode.txt", nil},
	{"percent sign", "/percent%2541.txt", nil},
	{"query", "/notes.txt?a=b", nil},
	{"directory", "/dir/", nil},
	{"directory without slash", "/dir", nil},
	{"directory without slash, with query", "/dir?a=b", nil},
	{"directory without index", "/bare/", map[string]difference{
		"status": {"404", "403", "whether there is a directory is nobody's business"},
	}},
	{"directory without index or slash", "/bare", map[string]difference{
		"status":   {"404", "301", "no redirect to what is not there"},
		"Location": {"", "/bare/", "no redirect to what is not there"},
	}},
	{"deep", "/a/very/deep/path/file.html", nil},
	{"doubled slashes", "--path-as-is /a//very///deep/path/file.html", map[string]difference{
		"status":        {"404", "200", "a file has one spelling, which policies of other routes can rely on"},
		"Accept-Ranges": {"", "bytes", "no file"},
		"Last-Modified": {"", "Sun, 01 Mar 2026 12:00:00 GMT", "no file"},
	}},
	{"dot segments", "--path-as-is /a/very/../../notes.txt", nil},
	{"a dot segment at the end", "--path-as-is /dir/.", nil},
	{"above the root", "--path-as-is /../notes.txt", nil},
	{"encoded dot segments above the root", "--path-as-is /%2e%2e/notes.txt", nil},
	{"missing", "/missing", nil},
	{"below a file", "/notes.txt/x", nil},
	{"file with a slash", "/notes.txt/", nil},
	{"name too long", "/" + longName, nil},
	{"dotfile", "/.env", map[string]difference{
		"status":         {"404", "200", "what begins with a dot (.env, .git) is hidden, .well-known excepted"},
		"Content-Type":   {"text/plain; charset=utf-8", "application/octet-stream", "the type of the error page"},
		"Content-Length": {"14", "8", "the length of the error page"},
		"Last-Modified":  {"", "Sun, 01 Mar 2026 12:00:00 GMT", "there is no file to speak of"},
		"Accept-Ranges":  {"", "bytes", "there is no file to speak of"},
	}},
	{"well-known", "/.well-known/security.txt", nil},
	{"HEAD", "-I /notes.txt", nil},
	{"HEAD of a large file", "-I /large.bin", nil},
	{"HEAD of what is missing", "-I /missing", nil},
	{"POST", "-d a=b /notes.txt", nil},
	{"DELETE", "-X DELETE /notes.txt", nil},
	{"OPTIONS", "-X OPTIONS /notes.txt", map[string]difference{
		"status": {"204", "405", "the answer to OPTIONS is what is allowed (RFC 9110, section 9.3.7)"},
	}},
	{"range", "-r 2-5 /notes.txt", nil},
	{"range of one octet", "-r 0-0 /notes.txt", nil},
	{"open range", "-r 990- /notes.txt", nil},
	{"suffix", "-r -5 /notes.txt", nil},
	{"suffix longer than the file", "-r -5000 /notes.txt", nil},
	{"suffix of nothing", "-H 'Range: bytes=-0' /notes.txt", nil},
	{"range beyond the end", "-r 5-5000 /notes.txt", nil},
	{"range outside", "-r 5000- /notes.txt", nil},
	{"range of an empty file", "-r 0-1 /empty.txt", nil},
	{"range backwards", "-H 'Range: bytes=5-2' /notes.txt", map[string]difference{
		"status":        {"200", "416", "an invalid Range is ignored (RFC 9110, section 14.2)"},
		"Content-Range": {"", "bytes */1000", "an invalid Range is ignored"},
		"Accept-Ranges": {"bytes", "", "an invalid Range is ignored"},
		"Last-Modified": {"Sun, 01 Mar 2026 12:00:00 GMT", "", "an invalid Range is ignored"},
	}},
	{"range in another unit", "-H 'Range: lines=0-2' /notes.txt", nil},
	{"several ranges", "-r 0-9,500-509,-5 /notes.txt", nil},
	{"several ranges backwards", "-r 900-,500-509,0-0 /notes.txt", nil},
	{"several ranges of a large file", "-r 2000000-2100000,5-10,1000000-1000009 /large.bin", nil},
	{"several ranges, one outside", "-r 0-9,5000-,500-509 /notes.txt", nil},
	{"several ranges, one inside", "-r 5000-,6000-,500-509 /notes.txt", nil},
	{"several ranges outside", "-r 5000-,6000- /notes.txt", nil},
	{"several ranges, one broken", "-H 'Range: bytes=0-9,x' /notes.txt", map[string]difference{
		"status":        {"200", "416", "an invalid Range is ignored (RFC 9110, section 14.2)"},
		"Content-Range": {"", "bytes */1000", "an invalid Range is ignored"},
		"Accept-Ranges": {"bytes", "", "an invalid Range is ignored"},
		"Last-Modified": {"Sun, 01 Mar 2026 12:00:00 GMT", "", "an invalid Range is ignored"},
	}},
	{"ranges that overlap", "-r 0-99,50-149 /notes.txt", map[string]difference{
		"content":       {digits(150), twoParts, "one part is shorter (RFC 9110, section 15.3.7.2)"},
		"Content-Type":  {"text/plain; charset=utf-8", "multipart/byteranges", "one part is shorter"},
		"Content-Range": {"bytes 0-149/1000", "", "one part is shorter"},
	}},
	{"range of a large file", "-r 1000000-2000000 /large.bin", nil},
	{"range with HEAD", "-I -r 0-5 /notes.txt", map[string]difference{
		"status":         {"200", "206", "Range is defined for GET only (RFC 9110, section 14.2)"},
		"Content-Length": {"1000", "6", "Range is defined for GET only"},
		"Content-Range":  {"", "bytes 0-5/1000", "Range is defined for GET only"},
		"Accept-Ranges":  {"bytes", "", "Range is defined for GET only"},
	}},
	{"range if unchanged", "-H 'If-Range: Sun, 01 Mar 2026 12:00:00 GMT' -r 0-5 /notes.txt", nil},
	{"range if changed", "-H 'If-Range: Sun, 01 Mar 2026 11:00:00 GMT' -r 0-5 /notes.txt", nil},
	{"range with another tag", "-H 'If-Range: \"x\"' -r 0-5 /notes.txt", nil},
	{"not modified", "-H 'If-Modified-Since: Sun, 01 Mar 2026 12:00:00 GMT' /notes.txt", nil},
	{"a later date", "-H 'If-Modified-Since: Mon, 02 Mar 2026 12:00:00 GMT' /notes.txt", map[string]difference{
		"status":         {"304", "200", "not modified since then (RFC 9110, section 13.1.3); nginx compares for equality unless told otherwise"},
		"Content-Type":   {"", "text/plain; charset=utf-8", "a 304 has no content to describe"},
		"Content-Length": {"", "1000", "a 304 has no content to describe"},
		"Accept-Ranges":  {"", "bytes", "a 304 has no content to describe"},
	}},
	{"modified", "-H 'If-Modified-Since: Sun, 01 Mar 2026 11:00:00 GMT' /notes.txt", nil},
	{"an invalid date", "-H 'If-Modified-Since: yesterday' /notes.txt", nil},
	{"any tag", "-H 'If-None-Match: *' /notes.txt", nil},
	{"another tag", "-H 'If-None-Match: \"x\"' /notes.txt", nil},
	{"unmodified", "-H 'If-Unmodified-Since: Sun, 01 Mar 2026 12:00:00 GMT' /notes.txt", nil},
	{"not unmodified", "-H 'If-Unmodified-Since: Sun, 01 Mar 2026 11:00:00 GMT' /notes.txt", nil},
	{"required tag is another", "-H 'If-Match: \"x\"' /notes.txt", nil},
	{"any tag is required", "-H 'If-Match: *' /notes.txt", nil},
	{"HTTP/1.0", "--http1.0 /notes.txt", nil},
}

var longName = digits(300)

// twoParts are the parts that nginx makes of two ranges that overlap.
var twoParts = "bytes 0-99/1000, text/plain; charset=utf-8: " + digits(100) + "\nbytes 50-149/1000, text/plain; charset=utf-8: " + digits(100) + "\n"

// aspects are the fields compared. ETag is left out as its form is each server's own, Server and Date for obvious reasons.
var aspects = []string{"Content-Type", "Content-Length", "Last-Modified", "Accept-Ranges", "Content-Range", "Location", "Content-Encoding"}

// outcome is what is compared.
func outcome(a peer.Answer, target string) map[string]string {
	o := map[string]string{"status": fmt.Sprint(a.Status)}
	switch a.Status {
	case 200, 206:
		o["content"] = a.Body
	}
	for _, name := range aspects {
		o[name] = a.Header.Get(name)
	}
	if media, parameters, err := mime.ParseMediaType(a.Header.Get("Content-Type")); err == nil && media == "multipart/byteranges" {
		// Boundaries are each server's own, and with them the length.
		o["Content-Type"], o["content"] = media, parts(a.Body, parameters["boundary"])
		delete(o, "Content-Length")
	}
	if a.Status == 206 {
		// AnyGate says with a part, too, that there are parts to be had; nginx only with the whole.
		delete(o, "Accept-Ranges")
	}
	// Relative or absolute, a Location leads to the same place; the authorities differ by port.
	if location := o["Location"]; location != "" {
		base, err := url.Parse(target)
		if err == nil {
			var to *url.URL
			if to, err = base.Parse(location); err == nil {
				o["Location"] = to.RequestURI()
			}
		}
		if err != nil {
			o["Location"] = err.Error()
		}
	}
	// What an error page looks like is each server's own; that of a 304 has nothing but validators.
	if a.Status >= 300 && a.Status != 304 {
		delete(o, "Content-Type")
		delete(o, "Content-Length")
	}
	return o
}

// parts are the parts of a multipart/byteranges content, one in a line.
func parts(content, boundary string) string {
	var b strings.Builder
	for r := multipart.NewReader(strings.NewReader(content), boundary); ; {
		p, err := r.NextRawPart()
		if err == io.EOF {
			return b.String()
		}
		if err != nil {
			return b.String() + err.Error()
		}
		fmt.Fprintf(&b, "%s, %s: ", p.Header.Get("Content-Range"), p.Header.Get("Content-Type"))
		if _, err := io.Copy(&b, p); err != nil {
			return b.String() + err.Error()
		}
		b.WriteByte('\n')
	}
}

// Peers: curl, and nginx with the same files, which says what users expect of a server of files.
func TestStaticLikeNginx(t *testing.T) {
	eachEngineParallel(t, func(t *testing.T, e product.Engine) {
		root := plainSite(t)
		nginx := peer.StartNginx(t, root, "", "location / { absolute_redirect off; }")
		s := product.Start(t, product.Config{Engine: e, Text: "routes:\n  /: {dir: " + root + ", spa: off}\n"})
		settle(t, s, "/notes.txt")
		for _, c := range compared {
			t.Run(c.name, func(t *testing.T) {
				args := split(c.args)
				last := len(args) - 1
				path := args[last]
				args[last] = s.URL(path)
				got := outcome(peer.Curl(t, args...), args[last])
				args[last] = "http://" + nginx.Addr + path
				want := outcome(peer.Curl(t, args...), args[last])
				compare(t, got, want, c.differences)
			})
		}
		s.Stop(t)
	})
}

// compare expects two outcomes to be equal, but for the differences, which have to be there.
func compare(t *testing.T, got, want map[string]string, differences map[string]difference) {
	t.Helper()
	for _, aspect := range append([]string{"status", "content"}, aspects...) {
		d, deliberate := differences[aspect]
		_, here := got[aspect]
		_, there := want[aspect]
		switch {
		case deliberate && (here && got[aspect] != d.anygate || there && want[aspect] != d.nginx):
			t.Errorf("%s: %.100q, nginx %.100q; the deliberate difference is %q and %q: %s", aspect, got[aspect], want[aspect], d.anygate, d.nginx, d.reason)
		case deliberate, !here, !there:
			// As stated; or the statuses differ, which is told once.
		case got[aspect] != want[aspect]:
			t.Errorf("%s: %.100q, nginx %.100q", aspect, got[aspect], want[aspect])
		}
	}
}

// Peers: curl, and nginx whose JSON listings are those that programs know.
func TestListingLikeNginx(t *testing.T) {
	eachEngineParallel(t, func(t *testing.T, e product.Engine) {
		root := writeSite(t, map[string]string{"b.txt": "b", "a \"quoted\".txt": "", "ünïcode.txt": digits(2000), "sub/x.txt": "x", "empty/.hidden": "x"})
		for _, dir := range []string{"sub", "empty"} {
			if err := os.Chtimes(filepath.Join(root, dir), modified, modified); err != nil {
				t.Fatal(err)
			}
		}
		nginx := peer.StartNginx(t, root, "", "location / { autoindex on; autoindex_format json; }")
		s := product.Start(t, product.Config{Engine: e, Text: "routes:\n  /: {dir: " + root + ", listing: on}\n"})
		for _, path := range []string{"/", "/sub/", "/empty/"} {
			var got, want []map[string]any
			for base, into := range map[string]*[]map[string]any{s.URL(path): &got, "http://" + nginx.Addr + path: &want} {
				a := peer.Curl(t, "-H", "Accept: application/json", base)
				if err := json.Unmarshal([]byte(a.Body), into); err != nil || a.Header.Get("Content-Type") != "application/json" {
					t.Fatalf("%s: %v, %v: %s", base, err, a.Header, a.Body)
				}
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%s: %v, nginx %v", path, got, want)
			}
		}
		s.Stop(t)
	})
}
