package hpack

import "github.com/anygate/anygate/http1"

// policy is how an Encoder treats a field.
type policy uint8

const (
	// repeated fields are remembered when the same value comes for the second time. So a value that is new in every message
	// pushes nothing out of the table, and one that turns out to be always the same is found there whatever its name is.
	repeated policy = iota
	// common fields have few values, and are remembered at once.
	common
	// unique fields are not worth looking for.
	unique
	// secret fields are kept out of all tables, on all of their way (RFC 7541, section 7.1.3). A table that the messages of
	// many clients share would otherwise tell whoever can try values and see lengths whether somebody else has sent one.
	secret
)

// policies is the policy for each known name.
var policies = [64]policy{
	http1.Accept:                        common,
	http1.AcceptEncoding:                common,
	http1.AcceptRanges:                  common,
	http1.AccessControlAllowCredentials: common,
	http1.AccessControlAllowHeaders:     common,
	http1.AccessControlAllowMethods:     common,
	http1.AccessControlAllowOrigin:      common,
	http1.AccessControlExposeHeaders:    common,
	http1.AccessControlMaxAge:           common,
	http1.CacheControl:                  common,
	http1.ContentEncoding:               common,
	http1.ContentType:                   common,
	http1.Pragma:                        common,
	http1.Server:                        common,
	http1.TE:                            common,
	http1.Vary:                          common,
	http1.Via:                           common,
	http1.XForwardedProto:               common,

	http1.Age:           unique,
	http1.ContentLength: unique,
	http1.ContentRange:  unique,
	http1.IfRange:       unique,
	http1.Range:         unique,
	http1.Traceparent:   unique,
	http1.XRequestID:    unique,

	http1.Authorization:      secret,
	http1.Cookie:             secret,
	http1.ProxyAuthorization: secret,
	http1.SetCookie:          secret,
}

// secretNames are names without an ID that hold credentials.
var secretNames = [...]string{
	"x-api-key", "api-key", "x-auth-token", "x-access-token", "x-csrf-token", "x-xsrf-token", "x-amz-security-token",
}

// secretLengths has a bit for the length of each of them.
var secretLengths = func() (set uint32) {
	for _, name := range secretNames {
		set |= 1 << len(name)
	}
	return set
}()

// otherPolicy is the policy for a name that has no ID.
func otherPolicy(name []byte) policy {
	if len(name) < 32 && secretLengths>>len(name)&1 != 0 {
		for _, s := range secretNames {
			if http1.EqualFold(name, s) {
				return secret
			}
		}
	}
	return repeated
}

// nameLiterals holds, for each known name that is not in the static table, the literal that stands for it.
var nameLiterals [64][]byte

func init() {
	for id := http1.FieldID(1); id.String() != ""; id++ {
		if staticNames[id] == 0 {
			nameLiterals[id] = appendString(nil, []byte(id.String()), &nameCodes)
		}
	}
}
