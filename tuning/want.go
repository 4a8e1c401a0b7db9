package tuning

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// want is a wanted value. Its forms, as they are written in the profiles:
//
//	report            none: the value is shown
//	computed          the reading says itself what it should be
//	madvise|never     one of these words, the first of them if it has to be set
//	>=4096 <=10 1     a number for each number of the value: at least, at most, exactly
//	15..30            between the two, and the nearer of them if it has to be set
//	includes 80,443   a list of numbers and ranges that holds at least these
//
// A value that meets its want is never changed, so that "at least" does not lower what somebody has raised.
type want struct {
	text     string
	words    []string
	terms    []term
	includes []span
}

// term is what one number should be.
type term struct{ low, high int64 }

// The numbers that stand for no bound.
const (
	lowest  = -1 << 63
	highest = 1<<63 - 1
)

// span is a range of ports, both ends included.
type span struct{ first, last int64 }

// parseWant reads a wanted value in which variables are filled in.
func parseWant(text string) (want, error) {
	w := want{text: text}
	if text == "" {
		return w, fmt.Errorf("a wanted value is missing")
	}
	if text == wantReport || text == wantComputed {
		return w, nil
	}
	if list, ok := strings.CutPrefix(text, "includes"); ok {
		var err error
		w.includes, err = parseSpans(strings.TrimSpace(list))
		return w, err
	}
	if strings.ContainsAny(text[:1], "<>0123456789") && !strings.Contains(text, "|") {
		for field := range strings.FieldsSeq(text) {
			t, err := parseTerm(field)
			if err != nil {
				return w, err
			}
			w.terms = append(w.terms, t)
		}
		return w, nil
	}
	w.words = strings.Split(text, "|")
	return w, nil
}

// Wants that are not compared.
const (
	wantReport   = "report"
	wantComputed = "computed"
)

func parseTerm(s string) (t term, err error) {
	number := func(s string) int64 {
		n, e := strconv.ParseInt(s, 10, 64)
		if e != nil {
			err = fmt.Errorf("%q is no number", s)
		}
		return n
	}
	t = term{lowest, highest}
	if n, ok := strings.CutPrefix(s, ">="); ok {
		t.low = number(n)
	} else if n, ok := strings.CutPrefix(s, "<="); ok {
		t.high = number(n)
	} else if low, high, ok := strings.Cut(s, ".."); ok {
		t.low, t.high = number(low), number(high)
	} else {
		t.low = number(s)
		t.high = t.low
	}
	if err == nil && t.low > t.high {
		err = fmt.Errorf("%q leaves no number", s)
	}
	return t, err
}

// met reports whether a value is as wanted.
func (w want) met(value string) bool {
	switch {
	case w.text == wantReport || w.text == wantComputed:
		return true
	case w.words != nil:
		value = strings.Join(strings.Fields(value), " ")
		return slices.ContainsFunc(w.words, func(word string) bool { return word == value })
	case w.terms != nil:
		numbers, ok := parseNumbers(value)
		if !ok || len(numbers) != len(w.terms) {
			return false
		}
		for i, t := range w.terms {
			if numbers[i] < t.low || numbers[i] > t.high {
				return false
			}
		}
		return true
	}
	have, err := parseSpans(value)
	return err == nil && formatSpans(merge(have, w.includes)) == formatSpans(merge(have, nil))
}

// target is what a value should be set to: of several numbers, those that are as wanted stay.
func (w want) target(value string) string {
	switch {
	case w.words != nil:
		return w.words[0]
	case w.terms != nil:
		numbers, ok := parseNumbers(value)
		if !ok || len(numbers) != len(w.terms) {
			numbers = make([]int64, len(w.terms))
		}
		out := make([]string, len(w.terms))
		for i, t := range w.terms {
			out[i] = strconv.FormatInt(min(max(numbers[i], t.low), t.high), 10)
		}
		return strings.Join(out, " ")
	case w.includes != nil:
		have, _ := parseSpans(value)
		return formatSpans(merge(have, w.includes))
	}
	return ""
}

// String is the want for people.
func (w want) String() string {
	switch {
	case w.text == wantReport || w.text == wantComputed:
		return ""
	case w.words != nil:
		return strings.Join(w.words, " or ")
	case w.terms == nil && w.includes == nil:
		return ""
	}
	return strings.NewReplacer(">=", ">= ", "<=", "<= ").Replace(w.text)
}

// parseNumbers reads the numbers of a value that consists of nothing else.
func parseNumbers(s string) ([]int64, bool) {
	var out []int64
	for field := range strings.FieldsSeq(s) {
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return nil, false
		}
		out = append(out, n)
	}
	return out, len(out) > 0
}

// parseSpans reads "80,443,8000-8010".
func parseSpans(s string) ([]span, error) {
	var out []span
	for part := range strings.SplitSeq(s, ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		a, b, ranged := strings.Cut(part, "-")
		if !ranged {
			b = a
		}
		first, err := strconv.ParseInt(a, 10, 64)
		last, err2 := strconv.ParseInt(b, 10, 64)
		if err != nil || err2 != nil || first > last {
			return nil, fmt.Errorf("%q is no number and no range of numbers", part)
		}
		out = append(out, span{first, last})
	}
	return out, nil
}

// merge is both lists as one in ascending order, without gaps or overlaps that mean nothing.
func merge(a, b []span) []span {
	all := slices.Concat(a, b)
	slices.SortFunc(all, func(x, y span) int { return int(x.first - y.first) })
	var out []span
	for _, s := range all {
		if n := len(out); n > 0 && s.first <= out[n-1].last+1 {
			out[n-1].last = max(out[n-1].last, s.last)
			continue
		}
		out = append(out, s)
	}
	return out
}

// formatSpans is the form in which the kernel shows such a list.
func formatSpans(spans []span) string {
	out := make([]string, len(spans))
	for i, s := range spans {
		if out[i] = strconv.FormatInt(s.first, 10); s.last > s.first {
			out[i] += "-" + strconv.FormatInt(s.last, 10)
		}
	}
	return strings.Join(out, ",")
}
