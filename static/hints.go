package static

import "bytes"

// appendHints writes the field lines of a 103 (Early Hints, RFC 8297) for a page:
// a Link for each script and stylesheet that its HTML names and that its browser
// will surely want.
//
// The page is the manifest. It is what the build tool put its entry's assets into,
// it is there whatever the tool, and it cannot disagree with itself. A page that
// is not in memory, or one with a base of its own for references, gets no hints.
func appendHints(dst, page []byte) []byte {
	start := len(dst)
	count := 0
	for t := (tags{rest: page}); t.next(); {
		if equalFold(t.name, "base") {
			return dst[:start]
		}
		h, ok := hintOf(&t)
		if !ok {
			continue
		}
		length := len(dst)
		if dst, ok = h.append(dst); !ok {
			dst = dst[:length]
			continue
		}
		if count++; len(dst)-start > maxHintBytes {
			return dst[:length]
		}
		if count == maxHints {
			break
		}
	}
	return dst
}

// hint is one asset of a page.
type hint struct {
	reference   []byte // as HTML wrote it
	relation    string
	crossOrigin []byte // the attribute's value; nil without one
}

// hintOf is the hint for an element, if it is worth one.
func hintOf(t *tags) (h hint, ok bool) {
	h.crossOrigin = t.attribute("crossorigin")
	switch {
	case equalFold(t.name, "script"):
		h.reference = t.attribute("src")
		kind := trimSpace(t.attribute("type"))
		switch {
		case equalFold(kind, "module"):
			h.relation = "modulepreload"
		case len(kind) == 0 || equalFold(kind, "text/javascript"):
			h.relation = "preload; as=script"
		default:
			return h, false
		}
		return h, h.reference != nil && t.attribute("nomodule") == nil
	case equalFold(t.name, "link"):
		h.reference = t.attribute("href")
		relation := trimSpace(t.attribute("rel"))
		switch {
		case equalFold(relation, "modulepreload"):
			h.relation = "modulepreload"
		case equalFold(relation, "stylesheet"):
			h.relation = "preload; as=style"
		default:
			return h, false
		}
		media := trimSpace(t.attribute("media"))
		wanted := len(media) == 0 || equalFold(media, "all") || equalFold(media, "screen")
		return h, h.reference != nil && wanted && t.attribute("disabled") == nil
	}
	return h, false
}

// append writes the Link line, unless the reference is to another origin or no
// reference at all.
func (h *hint) append(dst []byte) ([]byte, bool) {
	reference := trimSpace(h.reference)
	if len(reference) == 0 || len(reference) > 1 && reference[0] == '/' && reference[1] == '/' {
		return dst, false
	}
	dst = append(dst, "Link: <"...)
	for i := 0; i < len(reference); i++ {
		b := reference[i]
		switch {
		case b == '&':
			// The one entity that references need; with others it is left alone.
			if !bytes.HasPrefix(reference[i:], []byte("&amp;")) {
				return dst, false
			}
			i += len("amp;")
		case b == ':' && bytes.IndexByte(reference[:i], '/') < 0:
			return dst, false // a scheme
		case !inPath(b) && b != '/' && b != '%' && b != '?' && b != '#':
			return dst, false
		}
		dst = append(dst, b)
	}
	dst = append(dst, ">; rel="...)
	dst = append(dst, h.relation...)
	switch {
	case h.crossOrigin == nil:
	case equalFold(h.crossOrigin, "use-credentials"):
		dst = append(dst, "; crossorigin=use-credentials"...)
	default:
		dst = append(dst, "; crossorigin"...)
	}
	return append(dst, "\r\n"...), true
}
