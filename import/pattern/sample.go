package pattern

import (
	"regexp/syntax"
	"strings"
)

// maxSamples bounds the strings that are made of each piece of an expression.
const maxSamples = 24

// Samples are some strings that a regular expression matches, or nothing if Go cannot read it: each alternative, a few
// characters of each class, and what may be repeated not at all, once and twice. They begin with a slash, as paths do.
func Samples(expr string) (list []string) {
	re, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		return nil
	}
	for _, s := range samples(re) {
		if !strings.HasPrefix(s, "/") {
			s = "/" + s
		}
		list = append(list, s)
	}
	return list
}

func samples(re *syntax.Regexp) (list []string) {
	switch re.Op {
	case syntax.OpLiteral:
		return []string{string(re.Rune)}
	case syntax.OpCharClass:
		return members(re.Rune)
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return []string{"x", "/"}
	case syntax.OpCapture:
		return samples(re.Sub[0])
	case syntax.OpQuest:
		return append(samples(re.Sub[0]), "")
	case syntax.OpStar:
		return repeated(samples(re.Sub[0]), 0)
	case syntax.OpPlus:
		return repeated(samples(re.Sub[0]), 1)
	case syntax.OpRepeat:
		one := samples(re.Sub[0])
		list = []string{""}
		for range min(re.Min, 64) {
			list = joined(list, one)
		}
		if re.Max != re.Min {
			list = append(list, joined(list, one)...)
		}
		return some(list)
	case syntax.OpAlternate:
		for _, sub := range re.Sub {
			list = append(list, samples(sub)...)
		}
		return some(list)
	case syntax.OpConcat:
		list = []string{""}
		for _, sub := range re.Sub {
			list = joined(list, samples(sub))
		}
		return list
	case syntax.OpNoMatch:
		return nil
	}
	return []string{""} // An anchor.
}

// members are up to three characters of a class, those that paths are likely to have first.
func members(ranges []rune) (list []string) {
	in := func(c rune) bool {
		for i := 0; i+1 < len(ranges); i += 2 {
			if ranges[i] <= c && c <= ranges[i+1] {
				return true
			}
		}
		return false
	}
	for _, c := range "abx1.-_" {
		if len(list) < 3 && in(c) {
			list = append(list, string(c))
		}
	}
	if in('/') {
		list = append(list, "/")
	}
	if len(list) == 0 && len(ranges) > 0 {
		list = []string{string(ranges[0]), string(ranges[len(ranges)-1])}
	}
	return list
}

// repeated are the strings that stand there least times, once, and twice.
func repeated(one []string, least int) []string {
	list := append([]string(nil), one...)
	if least == 0 {
		list = append(list, "")
	}
	for i, s := range one {
		list = append(list, s+one[(i+1)%len(one)])
	}
	return list
}

// joined are the strings of one list with those of another behind them.
func joined(list, tails []string) (out []string) {
	for _, s := range list {
		for _, tail := range tails {
			out = append(out, s+tail)
		}
	}
	return some(out)
}

// some are as many of a list as there may be, from all over it.
func some(list []string) []string {
	if len(list) <= maxSamples {
		return list
	}
	out := make([]string, maxSamples)
	for i := range out {
		out[i] = list[i*len(list)/maxSamples]
	}
	return out
}
