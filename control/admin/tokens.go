package admin

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"strings"
)

// Tokens are digests of what opens the door.
type Tokens [][sha256.Size]byte

// leastToken is how long a token has to be.
const leastToken = 16

// FirstToken is the first of the tokens of a text.
func FirstToken(text string) (string, error) {
	list, err := readTokens(text)
	if err != nil {
		return "", err
	}
	return list[0], nil
}

// ParseTokens reads tokens, one a line. Lines that are empty or begin with # say nothing.
func ParseTokens(text string) (Tokens, error) {
	list, err := readTokens(text)
	if err != nil {
		return nil, err
	}
	t := make(Tokens, len(list))
	for i, token := range list {
		t[i] = sha256.Sum256([]byte(token))
	}
	return t, nil
}

func readTokens(text string) (list []string, err error) {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		switch {
		case line == "" || line[0] == '#':
			continue
		case len(line) < leastToken:
			return nil, errors.New("a token has fewer than 16 characters: it could be guessed")
		case strings.ContainsAny(line, " \t"):
			return nil, errors.New("a token has blanks in it")
		}
		list = append(list, line)
	}
	if len(list) == 0 {
		return nil, errors.New("there is no token in it")
	}
	return list, nil
}

// has reports whether a token is one of them, in a time that does not tell which part of it is wrong.
func (t Tokens) has(token string) bool {
	sum, found := sha256.Sum256([]byte(token)), 0
	for i := range t {
		found |= subtle.ConstantTimeCompare(sum[:], t[i][:])
	}
	return found == 1
}
