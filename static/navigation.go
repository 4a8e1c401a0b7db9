package static

import "bytes"

// navigates reports whether a request looks like a browser opening a page, as
// opposed to a page, a script or a tool fetching data: Sec-Fetch-Mode says so
// (Fetch Metadata), or Accept names text/html. A client that accepts anything, or
// does not say, gets the truth: 404.
func navigates(r *Request) bool {
	return equalFold(r.SecFetchMode, "navigate") || acceptsHTML(r.Accept)
}

// acceptsHTML reports whether an Accept field lists text/html with a weight above
// zero (RFC 9110 12.5.1).
func acceptsHTML(accept []byte) bool {
	for len(accept) > 0 {
		member := accept
		if i := bytes.IndexByte(accept, ','); i >= 0 {
			member, accept = accept[:i], accept[i+1:]
		} else {
			accept = nil
		}
		mediaRange, parameters := member, []byte(nil)
		if i := bytes.IndexByte(member, ';'); i >= 0 {
			mediaRange, parameters = member[:i], member[i+1:]
		}
		if equalFold(trimSpace(mediaRange), "text/html") {
			return !zeroWeight(parameters)
		}
	}
	return false
}

// zeroWeight reports whether parameters include a weight of zero, which says
// "not acceptable".
func zeroWeight(parameters []byte) bool {
	for len(parameters) > 0 {
		parameter := parameters
		if i := bytes.IndexByte(parameters, ';'); i >= 0 {
			parameter, parameters = parameters[:i], parameters[i+1:]
		} else {
			parameters = nil
		}
		parameter = trimSpace(parameter)
		if len(parameter) >= 3 && (parameter[0] == 'q' || parameter[0] == 'Q') && parameter[1] == '=' {
			return len(bytes.Trim(parameter[2:], "0.")) == 0
		}
	}
	return false
}
