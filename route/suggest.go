package route

import "strings"

// maxSuggestWord bounds the words that are compared; a longer one is no
// misspelling of a keyword.
const maxSuggestWord = 64

// Suggest returns the word of known that is nearest to word, or "" if none is
// near enough to have been meant. Case does not count, so "forbidden" finds
// "FORBIDDEN". Of equally near words the first one wins.
func Suggest(word string, known []string) string {
	if word == "" || len(word) > maxSuggestWord {
		return ""
	}
	folded := strings.ToLower(word)
	best, bound := "", suggestBound(len(word))
	for _, k := range known {
		d := editDistance(folded, strings.ToLower(k), bound)
		if d == 0 {
			return k
		}
		if d <= bound {
			best, bound = k, d-1
		}
	}
	return best
}

// suggestBound is how many edits a word of n bytes may be away from what was
// meant: with more, short words would all look alike.
func suggestBound(n int) int {
	switch {
	case n <= 2:
		return 0
	case n <= 4:
		return 1
	case n <= 8:
		return 2
	default:
		return 3
	}
}

// editDistance counts the insertions, deletions, substitutions and swaps of
// neighbours that turn a into b (optimal string alignment). It gives up with
// bound+1 as soon as the answer must exceed bound.
func editDistance(a, b string, bound int) int {
	if len(b) > maxSuggestWord || len(a)-len(b) > bound || len(b)-len(a) > bound {
		return bound + 1
	}
	var rows [3][maxSuggestWord + 1]int
	before, prev, cur := &rows[0], &rows[1], &rows[2]
	for j := range len(b) + 1 {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		cur[0] = i
		least := i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			d := min(prev[j]+1, cur[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d = min(d, before[j-2]+1)
			}
			cur[j] = d
			least = min(least, d)
		}
		if least > bound {
			return bound + 1
		}
		before, prev, cur = prev, cur, before
	}
	return prev[len(b)]
}
