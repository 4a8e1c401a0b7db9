package ingress

import "github.com/anygate/anygate/import/report"

// prefix is that of the controller's annotations.
const prefix = "nginx.ingress.kubernetes.io/"

// needless annotations set what AnyGate does by itself or has no use for.
var needless = map[string]bool{
	"proxy-buffering": true, "proxy-buffer-size": true, "proxy-buffers-number": true, "proxy-busy-buffers-size": true, "proxy-request-buffering": true,
	"proxy-max-temp-file-size": true, "proxy-http-version": true, "client-body-buffer-size": true, "websocket-services": true, "service-upstream": true,
	"connection-proxy-header": true, "ssl-prefer-server-ciphers": true, "proxy-ssl-protocols": true, "proxy-ssl-ciphers": true,
	"proxy-ssl-server-name": true, "proxy-ssl-verify-depth": true, "auth-tls-verify-depth": true, "enable-rewrite-log": true, "relative-redirects": true,
	"auth-realm": true, "auth-secret-type": true, "enable-opentelemetry": true, "enable-opentracing": true,
	"canary-weight-total": true, "canary-weight": true, "http2-push-preload": true, "opentelemetry-trust-incoming-span": true,
}

// known tells of what is understood and not carried over.
type known struct{ why, do string }

var unavailable = map[string]known{
	"configuration-snippet":  {"Lines of nginx are not read here.", "Put them into a file with a server around them, and import that with anygate import nginx."},
	"server-snippet":         {"Lines of nginx are not read here.", "Put them into a file with a server around them, and import that with anygate import nginx."},
	"stream-snippet":         {"AnyGate speaks HTTP only.", ""},
	"auth-snippet":           {"It belongs to auth-url.", ""},
	"canary-by-header":       {"Routes are chosen by host, path and method, not by a field.", "Give the canary a host of its own."},
	"canary-by-header-value": {"It belongs to canary-by-header.", ""}, "canary-by-header-pattern": {"It belongs to canary-by-header.", ""},
	"canary-by-cookie":           {"Routes are chosen by host, path and method, not by a cookie.", "Give the canary a host of its own."},
	"custom-http-errors":         {"Pages for errors are files or texts.", "errors: {503: ./page.html, intercept: on}"},
	"default-backend":            {"Pages for errors are files or texts, and not asked of a service.", "errors: {503: ./page.html}"},
	"limit-rate":                 {"The rate of an answer is not bounded.", ""},
	"limit-rate-after":           {"The rate of an answer is not bounded.", ""},
	"limit-whitelist":            {"A limit is for everybody.", "Give those who are exempt a host of their own."},
	"limit-allowlist":            {"A limit is for everybody.", "Give those who are exempt a host of their own."},
	"proxy-redirect-from":        {"The Location of an upstream's answer is passed on as it is.", "Let the application know its public name, by Host and X-Forwarded-Proto."},
	"proxy-redirect-to":          {"The Location of an upstream's answer is passed on as it is.", "Let the application know its public name, by Host and X-Forwarded-Proto."},
	"proxy-cookie-path":          {"Cookies of upstreams are passed on as they are.", "Let the application set the path of its cookies."},
	"proxy-cookie-domain":        {"Cookies of upstreams are passed on as they are.", "Let the application set the domain of its cookies."},
	"mirror-target":              {"Requests are not sent to a second server.", ""},
	"mirror-request-body":        {"Requests are not sent to a second server.", ""},
	"mirror-host":                {"Requests are not sent to a second server.", ""},
	"enable-modsecurity":         {"There is no web application firewall.", "Put one behind or before AnyGate."},
	"enable-owasp-core-rules":    {"There is no web application firewall.", "Put one behind or before AnyGate."},
	"modsecurity-snippet":        {"There is no web application firewall.", "Put one behind or before AnyGate."},
	"modsecurity-transaction-id": {"There is no web application firewall.", ""},
	"ssl-passthrough":            {"TLS ends at AnyGate.", "Pass such connections on by a TCP proxy."},
	"ssl-ciphers":                {"Cipher suites are set for the whole server.", "tls: {ciphers: [...]}"},
	"x-forwarded-prefix":         {"It is not understood.", "headers req ~X-Forwarded-Prefix=/x"},
	"session-cookie-name":        {"It belongs to affinity.", ""}, "session-cookie-path": {"It belongs to affinity.", ""},
	"session-cookie-domain": {"It belongs to affinity.", ""}, "session-cookie-max-age": {"It belongs to affinity.", ""},
	"session-cookie-expires": {"It belongs to affinity.", ""}, "session-cookie-samesite": {"It belongs to affinity.", ""},
	"session-cookie-secure": {"It belongs to affinity.", ""}, "session-cookie-change-on-failure": {"It belongs to affinity.", ""},
	"affinity-mode": {"It belongs to affinity.", ""}, "affinity-canary-behavior": {"It belongs to affinity.", ""},
	"custom-headers": {"A ConfigMap is not read here.", "headers +NAME=VALUE"},
	"auth-method":    {"It belongs to auth-url.", ""}, "auth-signin": {"It belongs to auth-url.", ""}, "auth-response-headers": {"It belongs to auth-url.", ""},
	"auth-proxy-set-headers": {"It belongs to auth-url.", ""}, "auth-cache-key": {"It belongs to auth-url.", ""}, "auth-cache-duration": {"It belongs to auth-url.", ""},
	"auth-keepalive": {"It belongs to auth-url.", ""}, "auth-signin-redirect-param": {"It belongs to auth-url.", ""}, "auth-always-set-cookie": {"It belongs to auth-url.", ""},
	"auth-tls-pass-certificate-to-upstream": {"Upstreams are told of a client's certificate in Client-Cert and X-Client-Cert-*.", "Have the upstream read these."},
	"auth-tls-error-page":                   {"A client without a certificate gets 403.", "errors: {403: ./page.html}"},
}

// gates are annotations that keep requests out, and that AnyGate does not have.
var gates = map[string]known{
	"auth-url":           {"Requests are not shown to another server first: what is behind it is answered with 501.", "Let the application check, or use auth bearer, auth header or mtls."},
	"enable-global-auth": {"The ConfigMap's global-auth-url keeps clients out, and requests are not shown to another server first: what is behind it is answered with 501.", "Let the application check, or use auth bearer, auth header or mtls."},
	"auth-tls-match-cn":  {"Certificates are not compared by their subject: what is behind it is answered with 501.", "Let the application look at X-Client-Cert-Subject, and use mtls alone."},
}

func (i *ingress) item(l report.Level, key, why, do string) report.Item {
	a := i.annotations[key]
	return report.Item{Level: l, File: i.file, Line: a.line, What: key + ": " + a.value, Why: why, Do: do}
}
