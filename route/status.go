package route

// statusNames is the IANA HTTP Status Code Registry from 200 on, in upper snake
// case, followed by the short forms. A code's first entry is its canonical name.
var statusNames = []struct {
	name string
	code int
}{
	{"OK", 200},
	{"CREATED", 201},
	{"ACCEPTED", 202},
	{"NON_AUTHORITATIVE_INFORMATION", 203},
	{"NO_CONTENT", 204},
	{"RESET_CONTENT", 205},
	{"PARTIAL_CONTENT", 206},
	{"MULTI_STATUS", 207},
	{"ALREADY_REPORTED", 208},
	{"IM_USED", 226},
	{"MULTIPLE_CHOICES", 300},
	{"MOVED_PERMANENTLY", 301},
	{"FOUND", 302},
	{"SEE_OTHER", 303},
	{"NOT_MODIFIED", 304},
	{"USE_PROXY", 305},
	{"TEMPORARY_REDIRECT", 307},
	{"PERMANENT_REDIRECT", 308},
	{"BAD_REQUEST", 400},
	{"UNAUTHORIZED", 401},
	{"PAYMENT_REQUIRED", 402},
	{"FORBIDDEN", 403},
	{"NOT_FOUND", 404},
	{"METHOD_NOT_ALLOWED", 405},
	{"NOT_ACCEPTABLE", 406},
	{"PROXY_AUTHENTICATION_REQUIRED", 407},
	{"REQUEST_TIMEOUT", 408},
	{"CONFLICT", 409},
	{"GONE", 410},
	{"LENGTH_REQUIRED", 411},
	{"PRECONDITION_FAILED", 412},
	{"CONTENT_TOO_LARGE", 413},
	{"URI_TOO_LONG", 414},
	{"UNSUPPORTED_MEDIA_TYPE", 415},
	{"RANGE_NOT_SATISFIABLE", 416},
	{"EXPECTATION_FAILED", 417},
	{"MISDIRECTED_REQUEST", 421},
	{"UNPROCESSABLE_CONTENT", 422},
	{"LOCKED", 423},
	{"FAILED_DEPENDENCY", 424},
	{"TOO_EARLY", 425},
	{"UPGRADE_REQUIRED", 426},
	{"PRECONDITION_REQUIRED", 428},
	{"TOO_MANY_REQUESTS", 429},
	{"REQUEST_HEADER_FIELDS_TOO_LARGE", 431},
	{"UNAVAILABLE_FOR_LEGAL_REASONS", 451},
	{"INTERNAL_SERVER_ERROR", 500},
	{"NOT_IMPLEMENTED", 501},
	{"BAD_GATEWAY", 502},
	{"SERVICE_UNAVAILABLE", 503},
	{"GATEWAY_TIMEOUT", 504},
	{"HTTP_VERSION_NOT_SUPPORTED", 505},
	{"VARIANT_ALSO_NEGOTIATES", 506},
	{"INSUFFICIENT_STORAGE", 507},
	{"LOOP_DETECTED", 508},
	{"NOT_EXTENDED", 510},
	{"NETWORK_AUTHENTICATION_REQUIRED", 511},

	{"MOVED", 301},
	{"TEMP_REDIRECT", 307},
	{"PERM_REDIRECT", 308},
	{"INTERNAL_ERROR", 500},
}

// interimNames are the registry's 1xx names: known, and refused with a message
// of their own, because no route can answer with an interim response alone.
var interimNames = map[string]int{
	"CONTINUE":            100,
	"SWITCHING_PROTOCOLS": 101,
	"PROCESSING":          102,
	"EARLY_HINTS":         103,
}

// formerNames are names that the registry has given up or never had, and that
// people remember. They are not accepted; they are understood well enough to
// suggest the present one.
var formerNames = map[string]string{
	"ERROR":                           "INTERNAL_ERROR",
	"MOVED_TEMPORARILY":               "FOUND",
	"REQUEST_ENTITY_TOO_LARGE":        "CONTENT_TOO_LARGE",
	"PAYLOAD_TOO_LARGE":               "CONTENT_TOO_LARGE",
	"REQUEST_URI_TOO_LONG":            "URI_TOO_LONG",
	"REQUESTED_RANGE_NOT_SATISFIABLE": "RANGE_NOT_SATISFIABLE",
	"UNPROCESSABLE_ENTITY":            "UNPROCESSABLE_CONTENT",
	"UNAVAILABLE":                     "SERVICE_UNAVAILABLE",
	"TEAPOT":                          "418",
	"IM_A_TEAPOT":                     "418",
	"NON_AUTHORITATIVE":               "NON_AUTHORITATIVE_INFORMATION",
	"PROXY_AUTH_REQUIRED":             "PROXY_AUTHENTICATION_REQUIRED",
}

var (
	statusByName   = map[string]int{}
	statusByCode   = map[int]string{}
	statusWordList []string
)

func init() {
	for _, s := range statusNames {
		statusByName[s.name] = s.code
		if _, known := statusByCode[s.code]; !known {
			statusByCode[s.code] = s.name
		}
		statusWordList = append(statusWordList, s.name)
	}
}

// StatusByName returns the code of a status name of the configuration language.
// Names are matched byte for byte.
func StatusByName(name string) (int, bool) {
	code, ok := statusByName[name]
	return code, ok
}

// StatusName returns the registry's name of code in upper snake case, or "" if
// it has none.
func StatusName(code int) string { return statusByCode[code] }

// suggestStatus returns the status name that name was probably meant to be.
func suggestStatus(name string) string {
	if now := formerNames[name]; now != "" {
		return now
	}
	return Suggest(name, statusWordList)
}

// StatusNames returns all names, short forms included.
func StatusNames() []string {
	names := make([]string, len(statusNames))
	for i, s := range statusNames {
		names[i] = s.name
	}
	return names
}
