package config

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
)

// redacted stands for what is not shown.
const redacted = "***"

// leastSecret is how long a value of the environment has to be for its occurrences within other text to be taken for it. A
// shorter one is recognised where it is all of a string.
const leastSecret = 5

var (
	// userInfo is the part of a URI in which passwords stand.
	userInfo = regexp.MustCompile(`(://)[^/?#@\s"]+@`)
	// credentials are fields of heads that the policy headers sets to secrets.
	credentials = regexp.MustCompile(`(?i)([+~](?:authorization|proxy-authorization|cookie|set-cookie|[a-z0-9-]*(?:token|secret|password|passwd|api-?key|auth)[a-z0-9-]*)=)("(?:[^"\\]|\\.)*"|\S+)`)
)

// Redacted is JSON without what may be secret: values that come from the environment, passwords in URIs, and what the
// policy headers gives as credentials. Keys and certificates are in neither of the two.
func (c *Config) Redacted() []byte {
	d := json.NewDecoder(bytes.NewReader(c.JSON()))
	d.UseNumber()
	var whole any
	if d.Decode(&whole) != nil {
		return []byte("null") // what this package has written can be read
	}
	return marshal(c.redact(whole))
}

func (c *Config) redact(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key, value := range v {
			if key != "file" && key != "files" {
				v[key] = c.redact(value)
			}
		}
	case []any:
		for i := range v {
			v[i] = c.redact(v[i])
		}
	case string:
		return c.redactText(v)
	}
	return v
}

func (c *Config) redactText(s string) string {
	for _, value := range c.environment {
		switch {
		case s == value:
			return redacted
		case len(value) >= leastSecret:
			s = strings.ReplaceAll(s, value, redacted)
		}
	}
	s = userInfo.ReplaceAllString(s, "${1}"+redacted+"@")
	return credentials.ReplaceAllString(s, "${1}"+redacted)
}
