package policy

import (
	"strconv"
	"strings"
	"time"

	"github.com/anygate/anygate/policy/quantity"
)

// DefaultTokenAge is for how long a challenge of a token policy is accepted where nothing is said.
const DefaultTokenAge = 5 * time.Minute

// The bounds of a challenge's age. A shorter one would be gone before the client has its token; with a longer one too
// many tokens would have to be remembered.
const (
	minTokenAge = 10 * time.Second
	maxTokenAge = 24 * time.Hour
)

// Token admits requests that redeem a Privacy Pass token of an issuer (RFC 9577), and challenges others with 401:
// token issuer.pem issuer issuer.example.
type Token struct {
	// File holds the issuer's keys.
	File string
	// Type is the token type: 2 for blind RSA, 1 for VOPRF (RFC 9578).
	Type int
	// Issuer is the name of the issuer.
	Issuer string
	// Origins are the names that tokens are for. Where there is none, and CrossOrigin is false, that is the route's host.
	Origins     []string
	CrossOrigin bool
	// MaxAge is for how long a challenge is accepted.
	MaxAge time.Duration
	// Secret names what holds the secret that servers share who accept each other's challenges; empty for a server of its own.
	// Env says that it is an environment variable; otherwise it is a file.
	Secret string
	Env    bool
}

var (
	_ Policy = Token{}
	_ Filed  = Token{}
)

// Name returns "token".
func (Token) Name() string { return "token" }

// Available says that this version verifies tokens.
func (Token) Available() bool { return true }

// Slot is the same for all: a route asks for one token.
func (Token) Slot() string { return "token" }

// Files returns the files that the policy names.
func (t Token) Files() []string {
	if t.Secret == "" || t.Env {
		return []string{t.File}
	}
	return []string{t.File, t.Secret}
}

// WithFiles returns the policy with other names for its files.
func (t Token) WithFiles(rename func(string) string) Policy {
	t.File = rename(t.File)
	if t.Secret != "" && !t.Env {
		t.Secret = rename(t.Secret)
	}
	return t
}

// String writes the canonical line. It names the source of the secret, never the secret.
func (t Token) String() string {
	s := "token " + quote(t.File) + " issuer " + t.Issuer
	if t.Type != 2 {
		s += " type " + strconv.Itoa(t.Type)
	}
	switch {
	case t.CrossOrigin:
		s += " cross-origin"
	case len(t.Origins) > 0:
		s += " origin " + strings.Join(t.Origins, ",")
	}
	if t.MaxAge != DefaultTokenAge {
		s += " maxage " + quantity.FormatDuration(t.MaxAge)
	}
	if t.Secret != "" {
		s += " secret " + quote(t.Secret)
	}
	return s
}

// tokenWords are the options of token.
var tokenWords = []string{"issuer", "type", "origin", "cross-origin", "maxage", "secret"}

func parseToken(w *words) (Policy, *Error) {
	file, err := w.need("the file of the issuer's key")
	if err != nil {
		return nil, err
	}
	if file.Text == "" {
		return nil, file.wrong("the name of the file is empty", w.form)
	}
	t := Token{File: file.Text, Type: 2, MaxAge: DefaultTokenAge}
	seen := make(map[string]bool)
	for {
		item, ok := w.next()
		if !ok {
			break
		}
		if seen[item.Text] {
			return nil, item.wrong(strconv.Quote(item.Text)+" is said twice", w.form)
		}
		seen[item.Text] = true
		if err := t.option(w, item); err != nil {
			return nil, err
		}
		if t.CrossOrigin && len(t.Origins) > 0 {
			return nil, item.wrong("cross-origin is for tokens of any origin", "either origin NAME or cross-origin")
		}
	}
	if t.Issuer == "" {
		return nil, w.missing("the name of the issuer")
	}
	return t, nil
}

// option reads one option.
func (t *Token) option(w *words, item word) (err *Error) {
	switch item.Text {
	case "issuer":
		t.Issuer, err = needAuthority(w, "the name of the issuer")
	case "type":
		err = t.parseType(w)
	case "origin":
		err = t.parseOrigins(w)
	case "cross-origin":
		t.CrossOrigin = true
	case "maxage":
		err = t.parseAge(w)
	case "secret":
		var source word
		if source, err = w.need("the environment variable or file with the secret"); err == nil {
			if source.Text == "" {
				return source.wrong("the name of the secret is empty", "the environment variable or file with the secret")
			}
			t.Secret, t.Env = source.Text, envName(source.Text)
		}
	default:
		err = w.unexpected(item, tokenWords...)
	}
	return err
}

func (t *Token) parseType(w *words) *Error {
	item, err := w.need("the token type")
	if err != nil {
		return err
	}
	if item.Text != "1" && item.Text != "2" {
		return item.wrong("there is no token type "+strconv.Quote(item.Text), "1 (VOPRF, with the issuer's private key) or 2 (blind RSA)")
	}
	t.Type = int(item.Text[0] - '0')
	return nil
}

// parseOrigins reads names with commas between them.
func (t *Token) parseOrigins(w *words) *Error {
	item, err := w.need("the name of the origin")
	if err != nil {
		return err
	}
	off := 0
	for name := range strings.SplitSeq(item.Text, ",") {
		if err := checkAuthority(item, off, name); err != nil {
			return err
		}
		t.Origins = append(t.Origins, name)
		off += len(name) + 1
	}
	return nil
}

func (t *Token) parseAge(w *words) *Error {
	d, err := needDuration(w, "the age")
	if err != nil {
		return err
	}
	if d < minTokenAge || d > maxTokenAge || d%time.Second != 0 {
		return w.list[w.i-1].wrong("challenges cannot be accepted for "+quantity.FormatDuration(d), "whole seconds, from 10s to 24h")
	}
	t.MaxAge = d
	return nil
}

// needAuthority reads a host with or without a port (RFC 3986, section 3.2), as issuers and origins are named.
func needAuthority(w *words, what string) (string, *Error) {
	item, err := w.need(what)
	if err != nil {
		return "", err
	}
	return item.Text, checkAuthority(item, 0, item.Text)
}

// checkAuthority checks a part of a word.
func checkAuthority(item word, off int, name string) *Error {
	const want = "a host such as issuer.example.com, with or without a port"
	if name == "" {
		return item.wrong("a name is empty", want)
	}
	if i := strings.Index(name, "://"); i >= 0 {
		e := item.part(off, len(name), strconv.Quote(name)+" is a URL", want)
		e.Suggest = strings.TrimRight(name[i+3:], "/")
		return e
	}
	if name != lower(name) {
		e := item.part(off, len(name), "a name is written in lower case", want)
		e.Suggest = lower(name)
		return e
	}
	host, port, hasPort := cutPort(name)
	if hasPort {
		if _, err := quantity.Int(port, 1, 65535); err != nil {
			return item.part(off+len(name)-len(port), len(port), strconv.Quote(port)+" is not a port", "a number from 1 to 65535")
		}
	}
	if !originHost(host) {
		return item.part(off, len(name), strconv.Quote(name)+" is not the name of a host", want)
	}
	return nil
}
