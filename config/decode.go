package config

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/anygate/anygate/policy/quantity"
	"github.com/anygate/anygate/route"
)

// field is one key that a mapping may have, and what reads its value.
type field struct {
	key  string
	read func(key, value *node)
}

// fields reads a mapping. Keys that are not in the list are errors, and so is a value that is not a mapping; where
// names the mapping in messages.
func (l *loader) fields(n *node, where string, list ...field) bool {
	if n.probe != nil {
		return l.probeFields(n, where, list)
	}
	if n.lost() {
		return false
	}
	if n.shape != mapping {
		l.errorAt(n, Diagnostic{Msg: where + " is " + n.describe(), Want: "a mapping with " + oneOf(names(list))})
		return false
	}
	for _, e := range n.entries {
		known := false
		for _, f := range list {
			if f.key == e.key.text {
				f.read(e.key, e.value)
				known = true
				break
			}
		}
		if !known {
			l.unknownKey(e.key, where, names(list))
		}
	}
	return true
}

func names(list []field) []string {
	out := make([]string, 0, len(list))
	for _, f := range list {
		if !slices.Contains(refused, f.key) {
			out = append(out, f.key)
		}
	}
	return out
}

// describe names what stands where something else was expected.
func (n *node) describe() string {
	switch {
	case n.null:
		return "empty"
	case n.shape != scalar:
		return n.shape.String()
	}
	return strconv.Quote(n.text)
}

// items returns the values of a list; a list of one may be written without brackets.
func (l *loader) items(n *node) []*node {
	if n.probe != nil && n.shape == list {
		return n.probe.elements()
	}
	if n.shape == list {
		return n.items
	}
	return []*node{n}
}

// text returns the value of a scalar that is not empty.
func (l *loader) text(n *node, want string) (string, bool) {
	if n.probed(textForms(want)...) {
		return "", false
	}
	if n.lost() {
		return "", false
	}
	if n.shape != scalar || n.null || n.text == "" {
		msg := "the value is " + n.describe()
		if n.shape == scalar {
			msg = "the value is empty"
		}
		l.errorAt(n, Diagnostic{Msg: msg, Want: want})
		return "", false
	}
	return n.text, true
}

// quantity reports an error of package quantity about a scalar.
func (l *loader) quantity(n *node, err *quantity.Error) bool {
	if err == nil {
		return true
	}
	d := Diagnostic{Msg: err.Msg, Want: err.Want, Suggest: err.Suggest}
	if err.Len == 0 {
		l.errorAt(n, d)
	} else {
		l.errorIn(n, err.Off, err.Len, d)
	}
	return false
}

// duration reads a duration from lo up.
func (l *loader) duration(n *node, lo time.Duration, into *time.Duration) bool {
	if n.probed(durationForm) {
		return false
	}
	s, ok := l.text(n, "a duration such as 250ms, 5s, 10m or 1h")
	if !ok {
		return false
	}
	d, err := quantity.Duration(s)
	if !l.quantity(n, err) {
		return false
	}
	if d < lo {
		l.errorAt(n, Diagnostic{Msg: "the duration " + s + " is too short", Want: "at least " + quantity.FormatDuration(lo)})
		return false
	}
	*into = d
	return true
}

// spin reads a duration from lo to hi that may be as fine as a microsecond, or a word that stands for 0.
func (l *loader) spin(word string, n *node, lo, hi time.Duration, into *time.Duration) {
	if n.shape == scalar && n.text == word {
		*into = 0
		return
	}
	before := len(l.diagnostics)
	if n.probed(shortDurationForm) {
		l.orWord(word, n, before)
	} else if s, ok := l.text(n, "a duration such as 20us, 50us or 1ms"); ok {
		d, err := quantity.ShortDuration(s)
		switch {
		case !l.quantity(n, err):
		case d < lo || d > hi:
			l.errorAt(n, Diagnostic{
				Msg: "the duration " + s + " is out of range", Want: "from " + quantity.FormatShortDuration(lo) + " to " + quantity.FormatShortDuration(hi),
			})
		default:
			*into = d
		}
	}
	l.orWord(word, n, before)
}

// size reads a number of bytes from lo to hi.
func (l *loader) size(n *node, lo, hi int64, into *int64) bool {
	if n.probed(sizeForms(lo, hi)...) {
		return false
	}
	s, ok := l.text(n, "a size such as 64KiB, 10MiB or 2GB")
	if !ok {
		return false
	}
	v, err := quantity.Size(s)
	if !l.quantity(n, err) {
		return false
	}
	if v < lo || v > hi {
		want := "a size from " + quantity.FormatSize(lo) + " to " + quantity.FormatSize(hi)
		if hi == math.MaxInt64 {
			want = "a size of at least " + quantity.FormatSize(lo)
		}
		l.errorAt(n, Diagnostic{Msg: "the size " + s + " is out of range", Want: want})
		return false
	}
	*into = v
	return true
}

// sizeOr is size with a word that stands for 0.
func (l *loader) sizeOr(word string, n *node, lo, hi int64, into *int64) {
	if n.shape == scalar && n.text == word {
		*into = 0
		return
	}
	before := len(l.diagnostics)
	l.size(n, lo, hi, into)
	l.orWord(word, n, before)
}

// integer reads a whole number from lo to hi.
func (l *loader) integer(n *node, lo, hi int, into *int) bool {
	if n.probed(integerForm(lo, hi)) {
		return false
	}
	s, ok := l.text(n, "a whole number")
	if !ok {
		return false
	}
	v, err := quantity.Int(s, lo, hi)
	if !l.quantity(n, err) {
		return false
	}
	*into = v
	return true
}

// integerOr is integer with a word that stands for 0.
func (l *loader) integerOr(word string, n *node, lo, hi int, into *int) {
	if n.shape == scalar && n.text == word {
		*into = 0
		return
	}
	before := len(l.diagnostics)
	l.integer(n, lo, hi, into)
	l.orWord(word, n, before)
}

// orWord adds the word to the expectation of a diagnostic about n.
func (l *loader) orWord(word string, n *node, before int) {
	n.probed(wordForms(strings.Split(word, ", ")...)...)
	for i := before; i < len(l.diagnostics); i++ {
		d := &l.diagnostics[i]
		d.Want = word + " or " + d.Want
		if d.Suggest == "" {
			d.Suggest = route.Suggest(n.text, []string{word})
		}
	}
}

// readSwitch reads on or off; YAML's booleans are understood too.
func (l *loader) readSwitch(v *node, into *bool) {
	word := ""
	if l.enum(v, "value", &word, "on", "off", "true", "false") {
		*into = word == "on" || word == "true"
	}
}

// byteRateOr reads bytes per second, or a word that stands for 0.
func (l *loader) byteRateOr(word string, n *node, into *int64) {
	if n.shape == scalar && n.text == word {
		*into = 0
		return
	}
	before := len(l.diagnostics)
	if n.probed(byteRateForm) {
		l.orWord(word, n, before)
	} else if s, ok := l.text(n, "a rate in bytes such as 500B/s or 64KiB/s"); ok {
		if v, err := quantity.ByteRate(s); l.quantity(n, err) {
			*into = v
		}
	}
	l.orWord(word, n, before)
}

// enum reads one of some words.
func (l *loader) enum(n *node, what string, into *string, words ...string) bool {
	if n.probed(wordForms(words...)...) {
		return false
	}
	s, ok := l.text(n, oneOf(words))
	if !ok {
		return false
	}
	for _, w := range words {
		if s == w {
			*into = s
			return true
		}
	}
	d := Diagnostic{Msg: "unknown " + what + " " + strconv.Quote(s), Want: oneOf(words), Suggest: route.Suggest(s, words)}
	for _, w := range words {
		// "warning" is too far from "warn" for a misspelling, and yet there is no doubt.
		if d.Suggest == "" && len(w) >= 3 && strings.HasPrefix(strings.ToLower(s), w) {
			d.Suggest = w
		}
	}
	l.errorAt(n, d)
	return false
}

// wantLeftOut is what this version expects in place of what it does not carry out.
const wantLeftOut = "a configuration without it"

// unavailable refuses something that the language has and this version does not carry out.
func (l *loader) unavailable(n *node, what string) {
	if n.probe != nil {
		n.probe.refused = true
	}
	l.errorAt(n, Diagnostic{Kind: KindUnavailable, Msg: what + " is not available in this version", Want: wantLeftOut})
}

func (l *loader) unavailableIn(n *node, off, count int, what string) {
	l.errorIn(n, off, count, Diagnostic{Kind: KindUnavailable, Msg: what + " is not available in this version", Want: wantLeftOut})
}

// word is a part of a scalar between blanks.
type word struct {
	text string
	off  int
}

// words splits a scalar at blanks.
func words(s string) []word {
	var list []word
	for i := 0; i < len(s); {
		if isSpace(s[i]) {
			i++
			continue
		}
		start := i
		for i < len(s) && !isSpace(s[i]) {
			i++
		}
		list = append(list, word{s[start:i], start})
	}
	return list
}

// wordError reports a diagnostic about a word of the scalar n.
func (l *loader) wordError(n *node, w word, d Diagnostic) {
	l.errorIn(n, w.off, len(w.text), d)
}
