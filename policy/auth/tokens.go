package auth

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"strings"
)

// Tokens are secrets, any of which lets a request in.
type Tokens struct {
	sums [][sha256.Size]byte
}

// ParseTokens reads one token per line; blanks around it, empty lines, and those
// that begin with "#" do not count. In the value of an environment variable
// commas separate them too.
func ParseTokens(text string, env bool) (*Tokens, error) {
	t := new(Tokens)
	n := 0
	for line := range strings.Lines(text) {
		n++
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		list := []string{line}
		if env {
			list = strings.Split(line, ",")
		}
		for _, token := range list {
			if token = strings.TrimSpace(token); token == "" {
				continue
			}
			for i := 0; i < len(token); i++ {
				if token[i] <= ' ' || token[i] >= 0x7f {
					return nil, fmt.Errorf("line %d has a token with a blank or a character that is not ASCII", n)
				}
			}
			t.sums = append(t.sums, sha256.Sum256([]byte(token)))
		}
	}
	switch {
	case len(t.sums) == 0:
		return nil, errors.New("there is no token in it")
	case len(t.sums) > maxTokens:
		return nil, fmt.Errorf("there are more than %d tokens in it", maxTokens)
	}
	return t, nil
}

// Match reports whether b is one of the tokens.
func (t *Tokens) Match(b []byte) bool {
	sum := sha256.Sum256(b)
	found := 0
	for i := range t.sums {
		found |= subtle.ConstantTimeCompare(sum[:], t.sums[i][:])
	}
	return found == 1
}
