package auth

import (
	"bytes"
	"encoding/base64"

	"github.com/anygate/anygate/http1"
)

// Scheme cuts the scheme off the value of an Authorization field, if it is that
// one (RFC 9110, section 11.4). lower is its name in lower case.
func Scheme(value []byte, lower string) (rest []byte, ok bool) {
	n := len(lower)
	if len(value) <= n || value[n] != ' ' || !http1.EqualFold(value[:n], lower) {
		return nil, false
	}
	return bytes.TrimLeft(value[n:], " "), true
}

// Basic decodes the credentials of the scheme Basic (RFC 7617, section 2) into
// dst. ok is false if they are none, or more than MaxCredentials.
func Basic(dst, token []byte) (user, password []byte, ok bool) {
	if base64.StdEncoding.DecodedLen(len(token)) > MaxCredentials+2 {
		return nil, nil, false
	}
	decoded, err := base64.StdEncoding.AppendDecode(dst[:0], token)
	if err != nil || len(decoded) > MaxCredentials {
		return nil, nil, false
	}
	user, password, ok = bytes.Cut(decoded, []byte(":"))
	if !ok || len(user) == 0 {
		return nil, nil, false
	}
	for _, c := range decoded {
		if c < ' ' || c == 0x7f {
			return nil, nil, false
		}
	}
	return user, password, true
}
