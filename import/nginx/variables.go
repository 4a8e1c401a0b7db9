package nginx

import (
	"regexp"
	"strings"

	"github.com/anygate/anygate/policy"
)

// variables are those of nginx that AnyGate has as well, with the same values.
var variables = map[string]string{
	"remote_addr": "{client}", "remote_port": "{client-port}", "proxy_protocol_addr": "{peer}",
	"server_port": "{server-port}", "scheme": "{scheme}", "server_protocol": "{protocol}", "request_method": "{method}",
	"host": "{host}", "http_host": "{authority}", "request_uri": "{uri}", "args": "{query}", "query_string": "{query}",
	"request_id":   "{request-id}",
	"ssl_protocol": "{tls-version}", "ssl_server_name": "{tls-server-name}", "ssl_alpn_protocol": "{tls-alpn}",
	"ssl_client_verify": "{client-cert-verify}", "ssl_client_s_dn": "{client-cert-subject}", "ssl_client_i_dn": "{client-cert-issuer}",
	"ssl_client_serial": "{client-cert-serial}",
}

// near are those that AnyGate has with other values, and how these differ.
var near = map[string]struct{ variable, why string }{
	"uri":                {"{path}", "The path is as the client has sent it, and not decoded."},
	"document_uri":       {"{path}", "The path is as the client has sent it, and not decoded."},
	"realip_remote_addr": {"{peer}", "Where connections begin with a PROXY header, it is the address in it."},
	"remote_user":        {"{user}", "It is a user whose password AnyGate has checked, and no other name that a client gives."},
	"ssl_cipher":         {"{tls-cipher}", "The suite has its name of IANA's registry, also where OpenSSL has another."},
	"upstream_addr":      {"{upstream}", "It is the server that has answered, as the configuration names it, and none of those that were tried before."},
}

var spaced = regexp.MustCompile(`^[ \t]|[ \t]$`)

// template is the value of a field with AnyGate's variables in place of nginx's. It reports false if there is one that has no
// counterpart.
func (b *builder) template(d *node, value string, response bool) (string, bool) {
	value = strings.NewReplacer("$is_args$args", "$is_args", "$is_args$query_string", "$is_args", "${is_args}${args}", "$is_args").Replace(value)
	// What was asked for, put together again.
	value = strings.NewReplacer("$uri$is_args", "$request_uri", "$document_uri$is_args", "$request_uri").Replace(value)
	var out strings.Builder
	ok := !spaced.MatchString(value)
	at := 0
	for _, m := range reference.FindAllStringIndex(value, -1) {
		out.WriteString(braces(value[at:m[0]], true))
		at = m[1]
		name := strings.Trim(value[m[0]:m[1]], "${}")
		same, is := variables[name]
		other, is2 := near[name]
		switch {
		case is:
			out.WriteString(same)
		case is2 && (response || name != "upstream_addr"):
			b.once("variable "+name, d, other.why, "")
			out.WriteString(other.variable)
		default:
			ok = false
		}
	}
	out.WriteString(braces(value[at:], false))
	return out.String(), ok
}

// variableAdvice says what can be done about a variable that has no counterpart, by whoever answers.
func variableAdvice(value, who string) string {
	for _, ref := range reference.FindAllString(value, -1) {
		name := strings.Trim(ref, "${}")
		if variables[name] != "" {
			continue
		}
		field, isField := strings.CutPrefix(name, "http_")
		argument, isArgument := strings.CutPrefix(name, "arg_")
		cookie, isCookie := strings.CutPrefix(name, "cookie_")
		switch {
		case isField:
			return "The request's " + fieldName(field) + " is passed on under its own name: have " + who + " read that."
		case isArgument:
			return "The query is passed on, and {query} stands for all of it: have " + who + " read " + argument + " there."
		case isCookie:
			return "Cookie is passed on: have " + who + " read " + cookie + " there."
		case name == "hostname" || name == "server_addr":
			return "Write the text itself: it is the same for all requests of this machine."
		case name == "proxy_add_x_forwarded_for":
			return "X-Forwarded-For is sent by itself, under that name."
		case name == "content_type" || name == "content_length":
			return "The field is passed on under its own name."
		case name == "msec" || strings.HasPrefix(name, "time_") || name == "request_time" || strings.HasPrefix(name, "upstream_"):
			return "Times and statuses are in the access log: log: {access: {format: json}}."
		}
	}
	return ""
}

// sendable reports whether AnyGate takes an edit; nginx lets more through.
func (b *builder) sendable(d *node, name, edit string) bool {
	if _, err := policy.ParseLine(name + edit); err != nil {
		b.lost(d, "AnyGate does not send it: "+err.Msg+".", "")
		return false
	}
	return true
}

// braces writes a text in which a brace before a name, or at the end before a variable, stands for itself.
func braces(text string, before bool) string {
	var b strings.Builder
	for i := range len(text) {
		b.WriteByte(text[i])
		if text[i] == '{' && (i+1 < len(text) && text[i+1] != '"' && text[i+1] != '}' || i+1 == len(text) && before) {
			b.WriteByte('{')
		}
	}
	return b.String()
}

// standardPorts reports whether clients come to the ports of http and https only, which they do not name in a Host.
func (b *builder) standardPorts() bool {
	for p := range b.ports {
		if p != "80" && p != "443" {
			return false
		}
	}
	return true
}
