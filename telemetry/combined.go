package telemetry

import "strconv"

// appendAccessCombined writes a line in the combined log format:
//
//	ADDRESS - USER [TIME] "METHOD TARGET PROTOCOL" STATUS BYTES "REFERER" "USER-AGENT"
//
// A hyphen stands for what is not known, and for blanks in a user's name, which would begin another column, an underscore
// does. Quotes and backslashes are escaped by a backslash, which is what the programs that read this format expect.
func appendAccessCombined(dst []byte, a *Access, when []byte) []byte {
	if a.Peer.IsValid() {
		dst = appendAddress(dst, a.Peer.Addr())
	} else {
		dst = append(dst, '-')
	}
	dst = append(dst, " - "...)
	dst = appendUser(dst, a.User)
	dst = append(dst, " ["...)
	dst = append(dst, when...)
	dst = append(dst, `] "`...)
	if len(a.Method) == 0 && len(a.Target) == 0 {
		dst = append(dst, '-')
	} else {
		dst = appendEscaped(dst, a.Method, maxMethod)
		dst = append(dst, ' ')
		dst = appendEscaped(dst, a.Target, maxTarget)
		dst = append(dst, ' ')
		dst = appendEscaped(dst, a.Protocol, maxVersion)
	}
	dst = append(dst, `" `...)
	dst = strconv.AppendInt(dst, int64(a.Status), 10)
	dst = append(dst, ' ')
	dst = strconv.AppendInt(dst, a.BytesSent, 10)
	dst = appendCombinedField(dst, a.Referer, maxReferer)
	dst = appendCombinedField(dst, a.UserAgent, maxAgent)
	return append(dst, '\n')
}

func appendCombinedField(dst, value []byte, limit int) []byte {
	dst = append(dst, ` "`...)
	if len(value) == 0 {
		dst = append(dst, '-')
	} else {
		dst = appendEscaped(dst, value, limit)
	}
	return append(dst, '"')
}

func appendUser(dst, user []byte) []byte {
	if len(user) == 0 {
		return append(dst, '-')
	}
	start := len(dst)
	dst = appendEscaped(dst, user, maxUser)
	for i, c := range dst[start:] {
		if c == ' ' {
			dst[start+i] = '_'
		}
	}
	return dst
}
