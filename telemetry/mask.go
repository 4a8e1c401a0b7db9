package telemetry

import "bytes"

// masked stands for a value that is not shown.
const masked = "***"

// maxMaskName bounds the names that are looked for; a longer one is none of them.
const maxMaskName = 64

// defaultMasked are the names whose values nobody should find in a log: of query parameters, of fields, and of fields'
// parts alike. They are spelt as fold leaves them.
var defaultMasked = []string{
	"access_token", "api_key", "apikey", "assertion", "auth", "auth_token", "authorization", "bearer", "client_assertion",
	"client_secret", "credential", "credentials", "csrf_token", "id_token", "jwt", "otp", "pass", "passphrase", "passwd", "password", "private_key",
	"private_token", "proxy_authorization", "pwd", "refresh_token", "secret", "session", "session_id", "sessionid", "sid",
	"sig", "signature", "token", "x_amz_credential", "x_amz_security_token", "x_amz_signature", "x_api_key", "x_auth_token",
	"x_csrf_token", "x_goog_credential", "x_goog_signature",
}

// Mask keeps credentials out of the log. It knows the names whose values are secret; upper and lower case, and "-" and
// "_", are the same in them. It is immutable; nil knows none.
type Mask struct {
	names map[string]struct{}
	// lengths has a bit for each length that a name has, so that most others need not be looked up.
	lengths [maxMaskName + 1]bool
}

// NewMask makes a Mask of the default names and more.
func NewMask(more []string) *Mask {
	m := &Mask{names: make(map[string]struct{}, len(defaultMasked)+len(more))}
	for _, list := range [][]string{defaultMasked, more} {
		for _, name := range list {
			var b [maxMaskName]byte
			if n, ok := fold(&b, name); ok && n > 0 {
				m.names[string(b[:n])] = struct{}{}
				m.lengths[n] = true
			}
		}
	}
	return m
}

// fold writes a name as names are compared: decoded, in lower case, with "_" for "-". It reports false for one that is too
// long.
func fold[T string | []byte](into *[maxMaskName]byte, name T) (n int, ok bool) {
	for i := 0; i < len(name); i++ {
		if n == len(into) {
			return 0, false
		}
		c := name[i]
		if c == '%' && i+2 < len(name) {
			if hi, lo := unhex(name[i+1]), unhex(name[i+2]); hi|lo < 16 {
				c = hi<<4 | lo
				i += 2
			}
		}
		switch {
		case c >= 'A' && c <= 'Z':
			c |= 0x20
		case c == '-':
			c = '_'
		}
		into[n] = c
		n++
	}
	return n, true
}

// unhex is the value of a hexadecimal digit, 255 of anything else.
func unhex(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10
	}
	return 255
}

// hides reports whether the value of a name is secret. user[password] is a name of forms that has two parts.
func (m *Mask) hides(name []byte) bool {
	var b [maxMaskName]byte
	n, ok := fold(&b, name)
	if !ok {
		return false
	}
	if m.knows(b[:n]) {
		return true
	}
	if bytes.IndexByte(b[:n], '[') < 0 {
		return false
	}
	start := 0
	for i, c := range b[:n] {
		if c == '[' || c == ']' {
			if m.knows(b[start:i]) {
				return true
			}
			start = i + 1
		}
	}
	return false
}

func (m *Mask) knows(folded []byte) bool {
	if m == nil || !m.lengths[len(folded)] {
		return false
	}
	_, ok := m.names[string(folded)]
	return ok
}

// fit appends what there is room for.
func fit[T string | []byte](dst []byte, s T) []byte {
	return append(dst, s[:min(len(s), cap(dst)-len(dst))]...)
}

// AppendTarget appends a request-target, or another reference to a resource, without the credentials in it: the user
// information of an authority, and the values of query parameters whose names are secret. It never makes dst grow:
// what does not fit is left out.
func (m *Mask) AppendTarget(dst, target []byte) []byte {
	query := bytes.IndexByte(target, '?')
	if len(target) > 0 && target[0] == '/' {
		if query < 0 {
			return fit(dst, target)
		}
		dst = fit(dst, target[:query])
		return m.appendQuery(dst, target[query:])
	}
	path := target
	if query >= 0 {
		path = target[:query]
	}
	if i := bytes.Index(path, []byte("://")); i >= 0 {
		authority := path[i+3:]
		if end := bytes.IndexByte(authority, '/'); end >= 0 {
			authority = authority[:end]
		}
		if at := bytes.LastIndexByte(authority, '@'); at >= 0 {
			dst = fit(dst, path[:i+3])
			dst = fit(dst, masked)
			path = path[i+3+at:]
		}
	}
	dst = fit(dst, path)
	if query < 0 {
		return dst
	}
	return m.appendQuery(dst, target[query:])
}

// appendQuery appends a query with its "?". A parameter begins behind every character that may separate two of them
// anywhere, a second "?" too: references within references are not always encoded.
func (m *Mask) appendQuery(dst, q []byte) []byte {
	for len(q) > 0 {
		// The first one separates; what follows is a parameter.
		end, equals := 1, -1
		for end < len(q) && !separates[q[end]] {
			if q[end] == '=' && equals < 0 {
				equals = end
			}
			end++
		}
		if equals > 1 && equals+1 < end && m.hides(q[1:equals]) {
			dst = fit(dst, q[:equals+1])
			dst = fit(dst, masked)
		} else {
			dst = fit(dst, q[:end])
		}
		q = q[end:]
	}
	return dst
}

var separates = [256]bool{'?': true, '&': true, ';': true, '#': true}

// AppendField appends the value of a field without the credentials in it: all values of cookies, what authorises, the
// whole of a field whose name is secret, and what AppendTarget leaves out of references. It never makes dst grow.
func (m *Mask) AppendField(dst []byte, name string, value []byte) []byte {
	var b [maxMaskName]byte
	n, ok := fold(&b, name)
	if !ok {
		return m.AppendTarget(dst, value)
	}
	switch string(b[:n]) {
	case "cookie":
		return appendCookies(dst, value, false)
	case "set_cookie":
		return appendCookies(dst, value, true)
	case "authorization", "proxy_authorization":
		if i := bytes.IndexByte(value, ' '); i > 0 {
			dst = fit(dst, value[:i+1])
		}
		return fit(dst, masked)
	}
	if m.knows(b[:n]) {
		return fit(dst, masked)
	}
	return m.AppendTarget(dst, value)
}

// appendCookies appends the names of cookies. Of a Set-Cookie only the first pair is one, and its attributes are shown.
func appendCookies(dst, value []byte, set bool) []byte {
	for first := true; len(value) > 0; first = false {
		pair := value
		if i := bytes.IndexByte(value, ';'); i >= 0 {
			pair = value[:i+1]
		}
		value = value[len(pair):]
		if set && !first {
			dst = fit(dst, pair)
			continue
		}
		if i := bytes.IndexByte(pair, '='); i >= 0 {
			dst = fit(dst, pair[:i+1])
		}
		dst = fit(dst, masked)
		if pair[len(pair)-1] == ';' {
			dst = fit(dst, ";")
		}
	}
	return dst
}
