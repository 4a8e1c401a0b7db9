package soak

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/anygate/anygate/test/internal/origin"
)

// ask is a request, with what may come of it.
type ask struct {
	name    string
	method  string // GET if empty
	path    string
	fields  []string // NAME, value, ...
	content []byte
	// allowed are the statuses; 200 alone if empty. Each but a 200 is the word of a policy.
	allowed []int
	// content200 is what a response with 200 must hold; nil for anything.
	content200 func(*http.Response, []byte) error
}

// is wants exactly that content.
func is(want []byte) func(*http.Response, []byte) error {
	return func(_ *http.Response, got []byte) error {
		if !bytes.Equal(got, want) {
			return fmt.Errorf("%d bytes that are not the %d wanted", len(got), len(want))
		}
		return nil
	}
}

// seen wants the upstream to have got the content.
func seen(content []byte, gzipped bool) func(*http.Response, []byte) error {
	return func(r *http.Response, got []byte) error {
		if coding := r.Header.Get("Content-Encoding"); (coding == "gzip") != gzipped {
			return fmt.Errorf("Content-Encoding: %q", coding)
		}
		if gzipped {
			z, err := gzip.NewReader(bytes.NewReader(got))
			if err != nil {
				return err
			}
			if got, err = io.ReadAll(z); err != nil {
				return err
			}
		}
		var s origin.Seen
		if err := json.Unmarshal(got, &s); err != nil {
			return err
		}
		if s.Body != string(content) || s.Header.Get("X-Through") != "soak" {
			return fmt.Errorf("the upstream got %d bytes, and %v", len(s.Body), s.Header)
		}
		return nil
	}
}

func pattern(size int64) []byte {
	b, _ := io.ReadAll(origin.NewPattern(size)) // never fails
	return b
}

var (
	small = []byte(strings.Repeat("0123456789abcdef", smallSize/16))
	text  = []byte(strings.Repeat("many words, again and again. ", textSize/29))
	some  = pattern(300)
	much  = pattern(60_000)
	words = bytes.Repeat([]byte("words "), 700)
)

// asks are all kinds of requests. Those of TLS with a certificate of the client are let in where others are not.
func asks(partner bool) []ask {
	refused := []int{403}
	if partner {
		refused = nil
	}
	gzipped := []string{"Accept-Encoding", "gzip"}
	return []ask{
		{name: "fixed", path: "/version", content200: func(_ *http.Response, b []byte) error {
			if !bytes.HasPrefix(b, []byte("generation ")) {
				return fmt.Errorf("%q", b)
			}
			return nil
		}},
		{name: "echo", method: "POST", path: "/echo", content: some},
		{name: "file", path: "/static/small.txt", content200: is(small)},
		{name: "text", path: "/static/text.txt", content200: is(text)},
		{name: "range", path: "/static/small.txt", fields: []string{"Range", "bytes=0-9"}, allowed: []int{206}},
		{name: "proxied", path: "/up/pattern/300", content200: is(some)},
		{name: "proxied, large", path: "/up/pattern/60000", content200: is(much)},
		{name: "proxied by h2c", path: "/two/pattern/60000", content200: is(much)},
		{name: "uploaded", method: "POST", path: "/up/check", content: much, content200: is([]byte("60000"))},
		{name: "uploaded by h2c", method: "POST", path: "/two/check", content: much, content200: is([]byte("60000"))},
		{name: "retried", path: "/unwell/pattern/300", content200: is(some)},
		{name: "hashed", path: "/sticky/pattern/300", fields: []string{"X-Trace", "a"}, content200: is(some)},
		{name: "compressed", method: "PUT", path: "/up/see?pin=1234", content: words, fields: gzipped, content200: seen(words, true)},
		{name: "not compressed", method: "PUT", path: "/two/see", content: words, content200: seen(words, false)},
		{name: "preflight", method: "OPTIONS", path: "/up/x", fields: []string{"Origin", "https://soak.test", "Access-Control-Request-Method", "GET"}, allowed: []int{204}},
		{name: "bearer", path: "/bearer", fields: []string{"Authorization", "Bearer beta-token"}, content200: is([]byte("open"))},
		{name: "no bearer", path: "/bearer", allowed: []int{401}},
		{name: "password", path: "/basic", fields: []string{"Authorization", "Basic Ym9iOnNlY3JldA=="}, content200: is([]byte("open"))},
		{name: "no password", path: "/basic", allowed: []int{401}},
		{name: "partner", path: "/partner", allowed: refused, content200: is([]byte("partner"))},
		{name: "denied", path: "/denied", allowed: refusedAlways},
		{name: "limited", path: "/limited", allowed: []int{200, 429}},
		{name: "busy", path: "/busy", allowed: []int{200, 503}},
		{name: "late", path: "/late", allowed: []int{504}},
		{name: "content too large", method: "POST", path: "/small", content: words, allowed: []int{413}},
		{name: "nowhere", path: "/nowhere", allowed: []int{404}},
	}
}

var refusedAlways = []int{403}

// judge says what is wrong with a response.
func (a *ask) judge(r *http.Response, content []byte) error {
	allowed := a.allowed
	if allowed == nil {
		allowed = []int{200}
	}
	if !slices.Contains(allowed, r.StatusCode) {
		return fmt.Errorf("status %d, allowed are %v", r.StatusCode, allowed)
	}
	// What no route answers has no policies.
	if r.StatusCode != 404 && (r.Header.Get("X-Soak") != "on" || r.Header.Get("Server") != "") {
		return fmt.Errorf("status %d, without the policy headers: %v", r.StatusCode, r.Header)
	}
	if r.StatusCode == 200 && a.content200 != nil {
		return a.content200(r, content)
	}
	return nil
}

// tally is what the clients have seen.
type tally struct {
	mu       sync.Mutex
	statuses map[string]map[int]int // by name
	trouble  []string
	failed   int
}

func newTally() *tally { return &tally{statuses: make(map[string]map[int]int)} }

func (t *tally) enter(name string, status int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.statuses[name] == nil {
		t.statuses[name] = make(map[int]int)
	}
	t.statuses[name][status]++
}

// fail enters what went wrong; the first ones are told.
func (t *tally) fail(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.failed++; t.failed <= 20 {
		t.trouble = append(t.trouble, fmt.Sprintf(format, args...))
	}
}

// count is how many responses of the name had the status, 0 for any.
func (t *tally) count(name string, status int) (n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for s, k := range t.statuses[name] {
		if status == 0 || s == status {
			n += k
		}
	}
	return n
}

func (t *tally) total() (n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, s := range t.statuses {
		for _, k := range s {
			n += k
		}
	}
	return n
}

// pick draws one.
func pick(r *rand.Rand, of []ask) *ask { return &of[r.IntN(len(of))] }
