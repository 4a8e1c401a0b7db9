package http1

// statusTexts holds the reason-phrases of the IANA HTTP Status Code Registry, by code.
var statusTexts = [600]string{
	100: "Continue",
	101: "Switching Protocols",
	102: "Processing",
	103: "Early Hints",
	104: "Upload Resumption Supported",
	200: "OK",
	201: "Created",
	202: "Accepted",
	203: "Non-Authoritative Information",
	204: "No Content",
	205: "Reset Content",
	206: "Partial Content",
	207: "Multi-Status",
	208: "Already Reported",
	226: "IM Used",
	300: "Multiple Choices",
	301: "Moved Permanently",
	302: "Found",
	303: "See Other",
	304: "Not Modified",
	305: "Use Proxy",
	307: "Temporary Redirect",
	308: "Permanent Redirect",
	400: "Bad Request",
	401: "Unauthorized",
	402: "Payment Required",
	403: "Forbidden",
	404: "Not Found",
	405: "Method Not Allowed",
	406: "Not Acceptable",
	407: "Proxy Authentication Required",
	408: "Request Timeout",
	409: "Conflict",
	410: "Gone",
	411: "Length Required",
	412: "Precondition Failed",
	413: "Content Too Large",
	414: "URI Too Long",
	415: "Unsupported Media Type",
	416: "Range Not Satisfiable",
	417: "Expectation Failed",
	421: "Misdirected Request",
	422: "Unprocessable Content",
	423: "Locked",
	424: "Failed Dependency",
	425: "Too Early",
	426: "Upgrade Required",
	428: "Precondition Required",
	429: "Too Many Requests",
	431: "Request Header Fields Too Large",
	451: "Unavailable For Legal Reasons",
	500: "Internal Server Error",
	501: "Not Implemented",
	502: "Bad Gateway",
	503: "Service Unavailable",
	504: "Gateway Timeout",
	505: "HTTP Version Not Supported",
	506: "Variant Also Negotiates",
	507: "Insufficient Storage",
	508: "Loop Detected",
	510: "Not Extended",
	511: "Network Authentication Required",
}

// statusLines holds the status line of each code from 100 to 599, ready to send.
var statusLines = buildStatusLines()

func buildStatusLines() (lines [600]string) {
	for code := 100; code < len(lines); code++ {
		digits := string([]byte{byte('0' + code/100), byte('0' + code/10%10), byte('0' + code%10)})
		lines[code] = "HTTP/1.1 " + digits + " " + statusTexts[code] + "\r\n"
	}
	return lines
}

// StatusText returns the registered reason-phrase of a status code, or "".
func StatusText(status int) string {
	if uint(status) < uint(len(statusTexts)) {
		return statusTexts[status]
	}
	return ""
}

// AppendStatusLine appends the status line of a response (RFC 9112, section 4). A code without a registered
// reason-phrase gets none; the space before it stays, as the grammar demands. The code must have three digits.
func AppendStatusLine(dst []byte, status int) []byte {
	if status >= 100 && status < len(statusLines) {
		return append(dst, statusLines[status]...)
	}
	dst = append(dst, "HTTP/1.1 "...)
	return append(dst, byte('0'+status/100%10), byte('0'+status/10%10), byte('0'+status%10), ' ', '\r', '\n')
}
