package static

const (
	lineNoCache   = "Cache-Control: no-cache\r\n"
	lineImmutable = "Cache-Control: max-age=31536000, immutable\r\n"
)

// cacheControl is the Cache-Control line of a file, or none.
//
// Pages are what names the assets of a version, so they are revalidated every
// time, for which a 304 will do: a deployment is seen at once. A name that was made
// from the content can stand for no other content, so it is never asked for again
// (RFC 8246). About everything else nothing is known, and caches do as they see
// fit (RFC 9111 4.2.2).
func (s *Site) cacheControl(name []byte, media string, shell bool) string {
	switch {
	case !s.caching:
		return ""
	case shell, media == htmlType, media == "application/xhtml+xml":
		return lineNoCache
	case fingerprinted(name, s.bundles):
		return lineImmutable
	}
	return ""
}
