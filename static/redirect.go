package static

import "bytes"

// appendRedirect writes the Location of a directory that was asked for without
// its slash, and the field lines of the small body.
//
// The Location is relative and begins with "./", for three reasons: it is right
// under whatever prefix this or another intermediary mounted the site, a name
// with a colon is not taken for a scheme, and since the client keeps its own
// authority, a path such as "//evil.example" cannot send it elsewhere.
func appendRedirect(dst []byte, r *Request) []byte {
	dst = append(dst, "Location: ./"...)
	dst = appendEncoded(dst, lastSegment(r), false)
	dst = append(dst, '/')
	if r.RawQuery != nil {
		dst = append(dst, '?')
		dst = appendEncoded(dst, r.RawQuery, true)
	}
	dst = append(dst, "\r\n"...)
	return append(dst, errorLines...)
}

// lastSegment is the last segment of the path as the client wrote it.
func lastSegment(r *Request) []byte {
	path := r.RawPath
	if path == nil {
		path = r.Path
	}
	return baseName(path)
}

// appendEncoded writes a segment or query, percent-encoding what a URI
// reference cannot hold. Percent signs stay: they begin the client's own encodings.
func appendEncoded(dst, b []byte, query bool) []byte {
	const upperHex = "0123456789ABCDEF"
	for _, c := range b {
		if inPath(c) || c == '%' || query && (c == '/' || c == '?') {
			dst = append(dst, c)
			continue
		}
		dst = append(dst, '%', upperHex[c>>4], upperHex[c&15])
	}
	return dst
}

// wantsSlash reports whether the client wrote the path of the root itself
// without its slash, as in "/v1" for a site mounted at "/v1/". Relative links in
// the index would then miss. A dot segment at the end stands for a slash, and the
// client resolves it so itself.
func wantsSlash(r *Request) bool {
	if len(r.Path) > 1 || len(r.RawPath) == 0 || r.RawPath[len(r.RawPath)-1] == '/' {
		return false
	}
	return !dotSegment(baseName(r.RawPath))
}

// dotSegment reports whether a segment is "." or "..", perhaps percent-encoded.
func dotSegment(segment []byte) bool {
	dots := 0
	for len(segment) > 0 {
		switch {
		case segment[0] == '.':
			segment = segment[1:]
		case len(segment) >= 3 && bytes.EqualFold(segment[:3], []byte("%2e")):
			segment = segment[3:]
		default:
			return false
		}
		dots++
	}
	return dots == 1 || dots == 2
}
