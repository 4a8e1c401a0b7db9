package hpack

import "github.com/anygate/anygate/http1"

// staticLen is the number of entries of the static table.
const staticLen = 61

// staticFields is the static table (RFC 7541, appendix A). Its indices begin with 1.
var staticFields = [staticLen + 1]struct{ name, value string }{
	{},
	{":authority", ""},
	{":method", "GET"},
	{":method", "POST"},
	{":path", "/"},
	{":path", "/index.html"},
	{":scheme", "http"},
	{":scheme", "https"},
	{":status", "200"},
	{":status", "204"},
	{":status", "206"},
	{":status", "304"},
	{":status", "400"},
	{":status", "404"},
	{":status", "500"},
	{"accept-charset", ""},
	{"accept-encoding", "gzip, deflate"},
	{"accept-language", ""},
	{"accept-ranges", ""},
	{"accept", ""},
	{"access-control-allow-origin", ""},
	{"age", ""},
	{"allow", ""},
	{"authorization", ""},
	{"cache-control", ""},
	{"content-disposition", ""},
	{"content-encoding", ""},
	{"content-language", ""},
	{"content-length", ""},
	{"content-location", ""},
	{"content-range", ""},
	{"content-type", ""},
	{"cookie", ""},
	{"date", ""},
	{"etag", ""},
	{"expect", ""},
	{"expires", ""},
	{"from", ""},
	{"host", ""},
	{"if-match", ""},
	{"if-modified-since", ""},
	{"if-none-match", ""},
	{"if-range", ""},
	{"if-unmodified-since", ""},
	{"last-modified", ""},
	{"link", ""},
	{"location", ""},
	{"max-forwards", ""},
	{"proxy-authenticate", ""},
	{"proxy-authorization", ""},
	{"range", ""},
	{"referer", ""},
	{"refresh", ""},
	{"retry-after", ""},
	{"server", ""},
	{"set-cookie", ""},
	{"strict-transport-security", ""},
	{"transfer-encoding", ""},
	{"user-agent", ""},
	{"vary", ""},
	{"via", ""},
	{"www-authenticate", ""},
}

// Indices that an Encoder writes by themselves.
const (
	staticAuthority      = 1
	staticMethodGET      = 2
	staticMethodPOST     = 3
	staticPathSlash      = 4
	staticPathIndex      = 5
	staticSchemeHTTP     = 6
	staticSchemeHTTPS    = 7
	staticStatus200      = 8
	staticAcceptEncoding = 16
)

var (
	// staticLines holds the lines of the static table, staticFacts what is known of them.
	staticLines [staticLen + 1][]byte
	staticFacts [staticLen + 1]Facts
	// staticNames is the index of each known name, or 0.
	staticNames [64]uint8
)

func init() {
	for i := 1; i <= staticLen; i++ {
		f := &staticFields[i]
		staticFacts[i] = examine([]byte(f.name), []byte(f.value))
		staticLines[i] = http1.AppendField(nil, f.name, f.value)
		if id := staticFacts[i].ID; id != http1.FieldOther {
			staticNames[id] = uint8(i)
		}
	}
}

// otherStaticName returns the index of a name that has no ID but is in the static table, or 0.
func otherStaticName(name []byte) uint8 {
	var first, last uint8
	switch len(name) {
	case len("from"):
		first, last = 37, 45
	case len("refresh"):
		first, last = 52, 52
	case len("accept-charset"):
		first, last = 15, 15
	case len("content-language"):
		first, last = 27, 29
	case len("content-disposition"):
		first, last = 25, 25
	case len("strict-transport-security"):
		first, last = 56, 56
	default:
		return 0
	}
	// Of the names of one length there are at most two, the first and the last.
	if http1.EqualFold(name, staticFields[first].name) {
		return first
	}
	if http1.EqualFold(name, staticFields[last].name) {
		return last
	}
	return 0
}
