package http1

// FieldID identifies a field name that the product refers to. The parser assigns it while it reads the name, so that no
// later step compares names. 0 is every other name.
//
// There are fewer than 64, so that a set of them is one word.
type FieldID uint8

// The known field names.
const (
	FieldOther FieldID = iota
	Accept
	AcceptEncoding
	AcceptLanguage
	AcceptRanges
	AccessControlAllowCredentials
	AccessControlAllowHeaders
	AccessControlAllowMethods
	AccessControlAllowOrigin
	AccessControlExposeHeaders
	AccessControlMaxAge
	AccessControlRequestHeaders
	AccessControlRequestMethod
	Age
	Allow
	Authorization
	CacheControl
	Connection
	ContentEncoding
	ContentLength
	ContentRange
	ContentType
	Cookie
	Date
	ETag
	Expect
	Expires
	Forwarded
	Host
	HTTP2Settings
	IfMatch
	IfModifiedSince
	IfNoneMatch
	IfRange
	IfUnmodifiedSince
	KeepAlive
	LastModified
	Location
	MaxForwards
	Origin
	Pragma
	Priority
	ProxyAuthenticate
	ProxyAuthorization
	ProxyConnection
	Range
	Referer
	RetryAfter
	Server
	SetCookie
	TE
	Traceparent
	Trailer
	TransferEncoding
	Upgrade
	UserAgent
	Vary
	Via
	WWWAuthenticate
	XForwardedFor
	XForwardedHost
	XForwardedProto
	XRealIP
	XRequestID

	numFields
)

// A set of fields is a word with one bit per ID.
const _ uint = 64 - uint(numFields) // does not compile with more than 64 IDs

// fieldNames holds the canonical spelling of each known name.
var fieldNames = [numFields]string{
	Accept:                        "Accept",
	AcceptEncoding:                "Accept-Encoding",
	AcceptLanguage:                "Accept-Language",
	AcceptRanges:                  "Accept-Ranges",
	AccessControlAllowCredentials: "Access-Control-Allow-Credentials",
	AccessControlAllowHeaders:     "Access-Control-Allow-Headers",
	AccessControlAllowMethods:     "Access-Control-Allow-Methods",
	AccessControlAllowOrigin:      "Access-Control-Allow-Origin",
	AccessControlExposeHeaders:    "Access-Control-Expose-Headers",
	AccessControlMaxAge:           "Access-Control-Max-Age",
	AccessControlRequestHeaders:   "Access-Control-Request-Headers",
	AccessControlRequestMethod:    "Access-Control-Request-Method",
	Age:                           "Age",
	Allow:                         "Allow",
	Authorization:                 "Authorization",
	CacheControl:                  "Cache-Control",
	Connection:                    "Connection",
	ContentEncoding:               "Content-Encoding",
	ContentLength:                 "Content-Length",
	ContentRange:                  "Content-Range",
	ContentType:                   "Content-Type",
	Cookie:                        "Cookie",
	Date:                          "Date",
	ETag:                          "ETag",
	Expect:                        "Expect",
	Expires:                       "Expires",
	Forwarded:                     "Forwarded",
	Host:                          "Host",
	HTTP2Settings:                 "HTTP2-Settings",
	IfMatch:                       "If-Match",
	IfModifiedSince:               "If-Modified-Since",
	IfNoneMatch:                   "If-None-Match",
	IfRange:                       "If-Range",
	IfUnmodifiedSince:             "If-Unmodified-Since",
	KeepAlive:                     "Keep-Alive",
	LastModified:                  "Last-Modified",
	Location:                      "Location",
	MaxForwards:                   "Max-Forwards",
	Origin:                        "Origin",
	Pragma:                        "Pragma",
	Priority:                      "Priority",
	ProxyAuthenticate:             "Proxy-Authenticate",
	ProxyAuthorization:            "Proxy-Authorization",
	ProxyConnection:               "Proxy-Connection",
	Range:                         "Range",
	Referer:                       "Referer",
	RetryAfter:                    "Retry-After",
	Server:                        "Server",
	SetCookie:                     "Set-Cookie",
	TE:                            "TE",
	Traceparent:                   "Traceparent",
	Trailer:                       "Trailer",
	TransferEncoding:              "Transfer-Encoding",
	Upgrade:                       "Upgrade",
	UserAgent:                     "User-Agent",
	Vary:                          "Vary",
	Via:                           "Via",
	WWWAuthenticate:               "WWW-Authenticate",
	XForwardedFor:                 "X-Forwarded-For",
	XForwardedHost:                "X-Forwarded-Host",
	XForwardedProto:               "X-Forwarded-Proto",
	XRealIP:                       "X-Real-IP",
	XRequestID:                    "X-Request-ID",
}

// String returns the canonical spelling of the name, and "" for FieldOther.
func (id FieldID) String() string {
	if id >= numFields {
		return ""
	}
	return fieldNames[id]
}

// fieldSet is a set of FieldIDs.
type fieldSet uint64

func (s fieldSet) has(id FieldID) bool { return s>>id&1 != 0 }

func setOf(ids ...FieldID) (s fieldSet) {
	for _, id := range ids {
		s |= 1 << id
	}
	return s
}

// hopByHop is what an intermediary consumes whether Connection nominates it or not (RFC 9110, section 7.6.1).
// Proxy-Authorization and Proxy-Authenticate are not in it: they may concern a proxy further on.
var hopByHop = setOf(Connection, KeepAlive, ProxyConnection, TE, TransferEncoding, Upgrade, HTTP2Settings)

// HopByHop says whether the field concerns one connection only, so that an intermediary never forwards it.
func (id FieldID) HopByHop() bool { return hopByHop.has(id) }

// endToEndAlways is what a Connection field cannot nominate. Removing these would change where a message goes or
// where it ends, which is this package's decision and not the peer's.
var endToEndAlways = setOf(Host, ContentLength, TransferEncoding)

// trailerForbidden is what must not appear in a trailer section, because a recipient needs it before the content, or
// because honouring it late would let the trailer override a decision already made (RFC 9110, section 6.5.1).
var trailerForbidden = setOf(
	// Framing and routing.
	ContentLength, TransferEncoding, Host, Connection, KeepAlive, ProxyConnection, TE, Trailer, Upgrade, HTTP2Settings,
	Forwarded, XForwardedFor, XForwardedHost, XForwardedProto, XRealIP, Via,
	// Request modifiers and conditions.
	CacheControl, Expect, MaxForwards, Pragma, Range, IfMatch, IfNoneMatch, IfModifiedSince, IfUnmodifiedSince, IfRange,
	// Authentication and state.
	Authorization, ProxyAuthorization, ProxyAuthenticate, WWWAuthenticate, Cookie, SetCookie, Origin,
	// How to process the content, and control data of responses.
	ContentEncoding, ContentType, ContentRange, Age, Date, Expires, Location, RetryAfter, Vary,
	AccessControlAllowCredentials, AccessControlAllowHeaders, AccessControlAllowMethods, AccessControlAllowOrigin,
	AccessControlExposeHeaders, AccessControlMaxAge, AccessControlRequestHeaders, AccessControlRequestMethod,
)
