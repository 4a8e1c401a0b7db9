package static

import "bytes"

// navigates reports whether a request looks like a browser opening a page, as
// opposed to a page, a script or a tool fetching data: Sec-Fetch-Mode says so
// (Fetch Metadata), or Accept names text/html. A client that accepts anything, or
// does not say, gets the truth: 404.
func navigates(r *Request) bool {
	return announces(r) || named(r.Accept, "text/html") > 0
}

// announces reports whether a request comes from a client that understands Early
// Hints. Many clients of HTTP/1.1 take an interim response for the final one (RFC
// 8297 3); a browser that opens a page and says so does not.
func announces(r *Request) bool {
	return equalFold(r.SecFetchMode, "navigate")
}

// named is the weight in thousandths of a media type that an Accept field names
// in full (RFC 9110 12.5.1), and 0 if it does not: wildcards are what every tool
// sends.
func named(accept []byte, mediaType string) int {
	for len(accept) > 0 {
		member, parameters := []byte(nil), []byte(nil)
		member, accept = cutAt(accept, ',')
		member, parameters = cutAt(member, ';')
		if equalFold(trimSpace(member), mediaType) {
			return weight(parameters)
		}
	}
	return 0
}

// weight is the value of the parameter q (RFC 9110 12.4.2) in thousandths: 1000
// without one, 0 for one that is malformed.
func weight(parameters []byte) int {
	for len(parameters) > 0 {
		var parameter []byte
		parameter, parameters = cutAt(parameters, ';')
		parameter = trimSpace(parameter)
		if len(parameter) < 2 || parameter[0]|0x20 != 'q' || parameter[1] != '=' {
			continue
		}
		return thousandths(parameter[2:])
	}
	return 1000
}

// thousandths reads a qvalue: 0 or 1, and up to three digits behind a dot.
func thousandths(b []byte) int {
	if len(b) == 0 || len(b) > 5 || b[0] > '1' || b[0] < '0' || len(b) > 1 && b[1] != '.' {
		return 0
	}
	n, unit := int(b[0]-'0')*1000, 100
	for _, digit := range b[min(2, len(b)):] {
		if digit < '0' || digit > '9' {
			return 0
		}
		n += int(digit-'0') * unit
		unit /= 10
	}
	return min(n, 1000)
}

// cutAt splits at the first separator, which belongs to neither side.
func cutAt(b []byte, separator byte) (before, after []byte) {
	if i := bytes.IndexByte(b, separator); i >= 0 {
		return b[:i], b[i+1:]
	}
	return b, nil
}
