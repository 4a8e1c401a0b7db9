package ingress

import (
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/anygate/anygate/import/document"
	"github.com/anygate/anygate/import/report"
)

// settings are what the annotations of an object come to.
type settings struct {
	use                   []string
	headers, request      []string
	route                 document.Map
	protocol              string // HTTP, HTTPS, GRPC, GRPCS
	tls                   document.Map
	balance               string
	rewrite               *annotation
	regex                 bool
	forceSSL, redirectSSL bool
	closed                bool // something that keeps requests out is not carried over
	moved                 string
	appRoot               string
}

// told is what the controller tells every upstream, beside what AnyGate does by itself.
var told = []string{
	"~X-Real-IP={client}", "~X-Request-ID={request-id}", "~X-Forwarded-Port={server-port}", "~X-Forwarded-Scheme={scheme}", "~X-Scheme={scheme}",
}

// value is what may stand in a policy without quotes.
var value = regexp.MustCompile(`^[A-Za-z0-9/._:%~-]+$`)

// restricts reports whether they keep clients out.
func (s *settings) restricts() bool { return s.closed || slices.ContainsFunc(s.use, restriction) }

// turnsAway reports whether all requests are led to one other page, be it for ever.
func (s *settings) turnsAway() bool { return s.moved != "" && !strings.HasSuffix(s.moved, "*") }

// restriction reports whether a policy keeps clients out.
func restriction(use string) bool {
	name, _, _ := strings.Cut(use, " ")
	return name == "allow" || name == "deny" || name == "auth" || name == "mtls"
}

// policies are the lines of a route's use.
func (s *settings) policies() []string {
	use := append([]string(nil), s.use...)
	if len(s.headers) > 0 {
		use = append(use, "headers "+strings.Join(s.headers, " "))
	}
	if len(s.request) > 0 {
		use = append(use, "headers req "+strings.Join(s.request, " "))
	}
	return use
}

// settings reads all annotations of an object.
func (c *converter) settings(i *ingress) *settings {
	s := &settings{protocol: "HTTP", redirectSSL: true, request: slices.Clone(told)}
	body := "body 1MiB" // the controller's default
	var timeouts document.Map
	for _, key := range i.order {
		name, ours := strings.CutPrefix(key, prefix)
		v := i.annotations[key].value
		if !ours {
			if strings.HasPrefix(key, "cert-manager.io/") {
				c.differs(i, key, "Certificates are not asked for by AnyGate; cert-manager may go on to write the secret.", "")
			}
			continue
		}
		if name == "enable-global-auth" && v == "false" {
			continue
		}
		if g, ok := gates[name]; ok {
			s.closed = true
			c.lost(i, key, g.why, g.do)
			continue
		}
		if name == "auth-tls-pass-certificate-to-upstream" && v == "true" {
			s.request = append(s.request, "-ssl-client-cert") // Upstreams take it for the controller's: clients must not write it.
		}
		switch name {
		case "proxy-body-size":
			switch b, ok := size(v); {
			case !ok:
				c.lost(i, key, "The size is not understood.", "")
			case b == "0B":
				body = "body unlimited"
			default:
				body = "body " + b
			}
		case "proxy-connect-timeout":
			c.timeout(i, key, &timeouts, "connect")
		case "proxy-read-timeout":
			c.timeout(i, key, &timeouts, "first-byte", "idle", "tunnel")
		case "proxy-send-timeout":
			if r, ok := i.annotations[prefix+"proxy-read-timeout"]; ok && r.value != v {
				c.differs(i, key, "What an upstream may take to read is the same time as it may take to write: idle.", "")
			} else if !ok {
				c.timeout(i, key, &timeouts, "idle")
			}
		case "whitelist-source-range", "allowlist-source-range", "denylist-source-range":
			// Read together, below.
		case "limit-rps", "limit-rpm", "limit-connections":
			c.limit(i, key, name, s)
		case "limit-burst-multiplier":
		case "enable-cors":
			if v == "true" {
				c.cors(i, s)
			}
		case "cors-allow-origin", "cors-allow-credentials", "cors-max-age", "cors-allow-methods", "cors-allow-headers", "cors-expose-headers":
		case "auth-type":
			c.auth(i, key, s)
		case "auth-secret":
		case "auth-tls-secret":
			c.clients(i, key, s)
		case "auth-tls-verify-client":
		case "permanent-redirect":
			c.move(i, key, s, "permanent-redirect-code", "MOVED", map[string]string{"308": "PERM_REDIRECT", "301": "MOVED"})
		case "temporal-redirect":
			c.move(i, key, s, "temporal-redirect-code", "FOUND", map[string]string{"307": "TEMP_REDIRECT", "302": "FOUND", "303": "SEE_OTHER"})
		case "permanent-redirect-code", "temporal-redirect-code", "from-to-www-redirect", "server-alias", "canary":
		case "app-root":
			s.appRoot = v
			if !value.MatchString(v) || v[0] != '/' {
				s.appRoot = ""
				c.lost(i, key, "It is no path.", "")
			}
		case "use-regex":
			s.regex = v == "true"
		case "rewrite-target":
			a := i.annotations[key]
			s.rewrite = &a
		case "ssl-redirect":
			s.redirectSSL = v != "false"
		case "force-ssl-redirect":
			s.forceSSL = v == "true"
		case "backend-protocol":
			switch p := strings.ToUpper(v); p {
			case "HTTP", "HTTPS", "GRPC", "GRPCS":
				s.protocol = p
			case "AUTO_HTTP":
				c.lost(i, key, "The protocol is not found out by trying.", "Say HTTP or HTTPS.")
			default:
				c.lost(i, key, "AnyGate speaks HTTP to what is behind it: what is behind it is answered with 501.", "Put a server that speaks HTTP before the program.")
				s.closed = true
			}
		case "upstream-vhost":
			if !value.MatchString(v) {
				c.lost(i, key, "The name depends on the request, or is none.", "")
			} else {
				s.request = append(s.request, "~Host="+v)
			}
		case "x-forwarded-prefix":
			if !value.MatchString(v) {
				c.lost(i, key, "The value depends on the request, or is no path.", "")
			} else {
				s.request = append(s.request, "~X-Forwarded-Prefix="+v)
			}
		case "upstream-hash-by", "load-balance":
			c.balance(i, key, name, s)
		case "affinity":
			c.lost(i, key, "AnyGate sets no cookie that names the member.", "If the application has a session cookie and the service is headless: an upstream with balance: hash cookie NAME.")
		case "proxy-next-upstream", "proxy-next-upstream-tries", "proxy-next-upstream-timeout":
			c.retry(i, name, s)
		case "proxy-ssl-verify", "proxy-ssl-name", "proxy-ssl-secret":
			// Read with the protocol.
		case "enable-access-log":
			if v == "false" {
				s.use = append(s.use, "log off")
			}
		case "satisfy":
			if v == "any" {
				s.closed = true
				c.lost(i, key, "All policies have to be satisfied, not any of them: what is behind it is answered with 501.", "Decide for the address or the password.")
			}
		default:
			c.other(i, key, name, v, s)
		}
	}
	c.access(i, s)
	s.use = append(s.use, body)
	if len(timeouts) > 0 {
		s.route = append(s.route, document.Entry{Key: "timeouts", Value: timeouts})
	}
	c.upstreamTLS(i, s)
	return s
}

// other deals with annotations that are only told of.
func (c *converter) other(i *ingress, key, name, v string, s *settings) {
	k, ok := unavailable[name]
	switch {
	case needless[name]:
	case !ok:
		c.lost(i, key, "The importer does not know this annotation.", "")
	case strings.HasSuffix(name, "-snippet") && keepsOut(v):
		s.closed = true
		c.lost(i, key, k.why+" They keep requests out: what is behind them is answered with 501.", k.do)
	default:
		c.lost(i, key, k.why, k.do)
	}
}

// keepsOut reports whether a snippet may keep requests out.
func keepsOut(snippet string) bool {
	for _, word := range []string{"deny ", "allow ", "auth_", "return 4", "return 5", "return 302", "return 303", "return 307", " redirect;", "limit_except", "satisfy", "secure_link", "internal", "_lua"} {
		if strings.Contains(snippet, word) {
			return true
		}
	}
	return false
}

// timeout reads a number of seconds.
func (c *converter) timeout(i *ingress, key string, t *document.Map, names ...string) {
	n, err := strconv.Atoi(strings.TrimSuffix(i.annotations[key].value, "s"))
	if err != nil || n <= 0 || n > 366*24*3600 {
		c.lost(i, key, "The time is not understood: it is a number of seconds.", "")
		return
	}
	for _, name := range names {
		if t.Get(name) == nil {
			t.Add(name, document.Word(duration(n)))
		}
	}
}

// duration writes seconds.
func duration(n int) string {
	switch d := time.Duration(n) * time.Second; {
	case d > time.Hour && d%time.Hour == 0 || d == time.Hour:
		return strconv.Itoa(int(d/time.Hour)) + "h"
	case d > time.Minute && d%time.Minute == 0:
		return strconv.Itoa(int(d/time.Minute)) + "m"
	}
	return strconv.Itoa(n) + "s"
}

// size turns a size of nginx into one of AnyGate.
func size(s string) (string, bool) {
	unit := "B"
	switch {
	case s == "":
		return "", false
	case strings.HasSuffix(strings.ToLower(s), "k"):
		unit = "KiB"
	case strings.HasSuffix(strings.ToLower(s), "m"):
		unit = "MiB"
	case strings.HasSuffix(strings.ToLower(s), "g"):
		unit = "GiB"
	}
	digits := s
	if unit != "B" {
		digits = s[:len(s)-1]
	}
	n, err := strconv.ParseInt(digits, 10, 32)
	if err != nil || n < 0 {
		return "", false
	}
	if n == 0 {
		return "0B", true
	}
	return strconv.FormatInt(n, 10) + unit, true
}

// access reads who is let in by address. The controller denies first, whatever is allowed; AnyGate goes by the longest prefix.
func (c *converter) access(i *ingress, s *settings) {
	before := len(c.report.Items())
	deny, _ := c.addresses(i, "denylist-source-range")
	// The controller serves nothing behind a list that it does not understand.
	s.closed = s.closed || len(c.report.Items()) > before
	allow, limited := c.addresses(i, "whitelist-source-range", "allowlist-source-range")
	allow = slices.DeleteFunc(allow, func(p netip.Prefix) bool {
		return slices.ContainsFunc(deny, func(d netip.Prefix) bool { return d.Bits() <= p.Bits() && d.Contains(p.Addr()) })
	})
	if limited && len(allow) == 0 {
		deny = []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")} // Nobody is let in.
	}
	for _, policy := range []struct {
		name string
		list []netip.Prefix
	}{{"deny", deny}, {"allow", allow}} {
		line := policy.name
		for _, p := range policy.list {
			if p.IsSingleIP() {
				line += " " + p.Addr().String()
			} else {
				line += " " + p.String()
			}
		}
		if line != policy.name {
			s.use = append([]string{line}, s.use...)
		}
	}
}

// addresses reads lists of prefixes. there says whether there is such a list.
func (c *converter) addresses(i *ingress, names ...string) (list []netip.Prefix, there bool) {
	for _, name := range names {
		if _, ok := i.annotations[prefix+name]; ok {
			there = true
			list = append(list, c.prefixes(i, prefix+name)...)
		}
	}
	return list, there
}

// prefixes reads one list.
func (c *converter) prefixes(i *ingress, key string) (list []netip.Prefix) {
	for _, p := range strings.Split(i.annotations[key].value, ",") {
		p = strings.TrimSpace(p)
		if one, err := netip.ParsePrefix(p); err == nil {
			list = append(list, one.Masked())
		} else if a, err := netip.ParseAddr(p); err == nil {
			list = append(list, netip.PrefixFrom(a, a.BitLen()))
		} else {
			c.lost(i, key, p+" is no address and no prefix.", "")
		}
	}
	return list
}

// limit reads a rate or a number of requests at a time.
func (c *converter) limit(i *ingress, key, name string, s *settings) {
	n, err := strconv.Atoi(i.annotations[key].value)
	if err != nil || n <= 0 {
		c.lost(i, key, "The number is not understood.", "")
		return
	}
	factor := 5
	if a, ok := i.annotations[prefix+"limit-burst-multiplier"]; ok {
		if f, err := strconv.Atoi(a.value); err == nil && f > 0 {
			factor = f
		}
	}
	switch name {
	case "limit-connections":
		s.use = append(s.use, "conns "+strconv.Itoa(n)+" per ip")
	case "limit-rpm":
		if _, ok := i.annotations[prefix+"limit-rps"]; ok {
			c.lost(i, key, "A route has one such limit for each client: limit-rps is kept.", "")
			return
		}
		s.use = append(s.use, "limit "+strconv.Itoa(n)+"/m burst "+strconv.Itoa(n*factor+1)+" per ip")
	default:
		s.use = append(s.use, "limit "+strconv.Itoa(n)+"/s burst "+strconv.Itoa(n*factor+1)+" per ip")
	}
	c.once("limit", i.item(report.Differs, key, "A request beyond the limit is answered with 429, not 503, and each path counts for itself.", ""))
}

// cors reads the policy of other origins.
func (c *converter) cors(i *ingress, s *settings) {
	get := func(name, otherwise string) string {
		if a, ok := i.annotations[prefix+name]; ok {
			return a.value
		}
		return otherwise
	}
	line := "cors"
	any := false
	for _, origin := range strings.Split(get("cors-allow-origin", "*"), ",") {
		origin = strings.TrimSpace(origin)
		if origin != "*" && !value.MatchString(strings.Replace(origin, "*", "", 1)) {
			c.lost(i, prefix+"cors-allow-origin", origin+" is no origin.", "")
			continue
		}
		any = any || origin == "*"
		line += " " + origin
	}
	credentials := get("cors-allow-credentials", "true") == "true"
	if any {
		line = "cors *"
	}
	if credentials && any {
		c.differs(i, prefix+"enable-cors", "With any origin no credentials are allowed; browsers refuse the two together.", "Name the origins that are meant.")
	} else if credentials {
		line += " credentials"
	}
	if line == "cors" {
		return
	}
	if age, err := strconv.Atoi(get("cors-max-age", "1728000")); err == nil && age > 0 {
		line += " maxage " + strconv.Itoa(age) + "s"
	}
	s.use = append(s.use, line)
	for _, name := range []string{"cors-allow-methods", "cors-allow-headers"} {
		if _, ok := i.annotations[prefix+name]; ok {
			c.differs(i, prefix+name, "Preflights are answered with the method and the fields that were asked for.", "")
		}
	}
	if expose := get("cors-expose-headers", ""); expose != "" {
		s.headers = append(s.headers, `+Access-Control-Expose-Headers="`+strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(expose)+`"`)
	}
}

// auth reads who has to say a password.
func (c *converter) auth(i *ingress, key string, s *settings) {
	secret, ok := i.annotations[prefix+"auth-secret"]
	if i.annotations[key].value != "basic" || !ok || i.annotations[prefix+"auth-secret-type"].value == "auth-map" {
		s.closed = true
		c.lost(i, key, "Passwords are those of a file (auth-type basic, with auth-secret): what is behind it is answered with 501.", "auth basic FILE")
		return
	}
	file := secretDir("auth", i.namespace, secret.value) + "/auth"
	s.use = append(s.use, "auth basic "+file)
	c.differs(i, prefix+"auth-secret", "The secret is expected as the file "+file+", with hashes of bcrypt or SHA-crypt: MD5 (apr1) is refused.", "Mount it there; htpasswd -B writes such hashes.")
}

// clients reads who has to show a certificate.
func (c *converter) clients(i *ingress, key string, s *settings) {
	verify := i.annotations[prefix+"auth-tls-verify-client"].value
	dir := secretDir("clients", i.namespace, i.annotations[key].value)
	switch verify {
	case "", "on":
		s.use = append(s.use, "mtls "+dir+"/ca.crt")
		s.request = append(s.request, "~ssl-client-verify={client-cert-verify}", "~ssl-client-subject-dn={client-cert-subject}", "~ssl-client-issuer-dn={client-cert-issuer}")
		c.differs(i, key, "The secret is expected as the file "+dir+"/ca.crt. A client without a certificate gets 403.", "Mount it there.")
	case "off":
	default:
		c.lost(i, key, "A certificate that need not be there is not asked for.", "tls: {clients: {ca: FILE, require: off, names: HOST}}")
	}
}

// move reads a redirect of everything.
func (c *converter) move(i *ingress, key string, s *settings, codeKey, status string, known map[string]string) {
	if a, ok := i.annotations[prefix+codeKey]; ok {
		name, ok := known[a.value]
		if !ok {
			c.lost(i, prefix+codeKey, "There is no redirect with this status here.", "")
		} else {
			status = name
		}
	}
	to := i.annotations[key].value
	if rest, ok := strings.CutSuffix(to, "$request_uri"); ok {
		to = strings.TrimSuffix(rest, "/") + "/*"
	}
	if strings.ContainsAny(to, "$ ") {
		c.lost(i, key, "The Location is made of what AnyGate does not put together: the paths are answered with 501.", "Write a redirect for each of the paths that are meant.")
		s.closed = true
		return
	}
	s.moved = status + " " + to
}

// balance reads how members are chosen.
func (c *converter) balance(i *ingress, key, name string, s *settings) {
	v := i.annotations[key].value
	switch {
	case name == "load-balance" && v == "round_robin":
		return
	case name == "load-balance" && v == "ewma":
		s.balance = "p2c"
	case name == "load-balance":
		c.lost(i, key, "This way of choosing members is not there.", "balance: p2c or least-conn")
		return
	case v == "$remote_addr" || v == "$binary_remote_addr":
		s.balance = "hash ip"
	case v == "$request_uri" || v == "$uri":
		s.balance = "hash path"
	case strings.HasPrefix(v, "$http_"):
		s.balance = "hash header " + strings.ReplaceAll(v[len("$http_"):], "_", "-")
	case strings.HasPrefix(v, "$cookie_"):
		s.balance = "hash cookie " + v[len("$cookie_"):]
	default:
		c.lost(i, key, "The key has no counterpart.", "balance: hash ip, hash header NAME, hash cookie NAME, or hash path")
		return
	}
	c.differs(i, key, "Members are the addresses that the name of the service has: one, unless it is headless.", "Make the service headless (clusterIP: None).")
}

// retry reads when a request is tried again.
func (c *converter) retry(i *ingress, name string, s *settings) {
	if s.route.Get("retry") != nil {
		return
	}
	tries := 3 // the controller's default
	if a, ok := i.annotations[prefix+"proxy-next-upstream-tries"]; ok {
		tries, _ = strconv.Atoi(a.value)
	}
	if a, ok := i.annotations[prefix+"proxy-next-upstream-timeout"]; ok && a.value != "0" {
		c.differs(i, prefix+"proxy-next-upstream-timeout", "Attempts are bounded by their number, and each by its timeouts.", "retry: {per-try: ...}")
	}
	on := document.List{}
	when, ok := i.annotations[prefix+"proxy-next-upstream"]
	if !ok {
		when.value = "error timeout"
	}
	for _, w := range strings.Fields(when.value) {
		switch {
		case w == "off":
			return
		case w == "error":
			on = append(on, document.Word("connect"), document.Word("reset"))
		case w == "timeout":
			on = append(on, document.Word("timeout"))
		case strings.HasPrefix(w, "http_") && len(w) == len("http_404") && strings.Trim(w[len("http_"):], "0123456789") == "":
			on = append(on, document.Word(w[len("http_"):]))
		case w == "non_idempotent":
			c.lost(i, prefix+"proxy-next-upstream", "Requests that must not be repeated (POST) are not, once they have left.", "")
		case w == "invalid_header":
			c.differs(i, prefix+"proxy-next-upstream", "An answer that breaks HTTP's rules is not asked for again.", "")
		}
	}
	if tries <= 1 || len(on) == 0 {
		return
	}
	s.route.Add("retry", document.Map{{Key: "attempts", Value: document.Word(strconv.Itoa(min(tries-1, 10)))}, {Key: "on", Value: on}})
}

// upstreamTLS reads how TLS is spoken with services.
func (c *converter) upstreamTLS(i *ingress, s *settings) {
	if s.protocol != "HTTPS" && s.protocol != "GRPCS" {
		return
	}
	if a, ok := i.annotations[prefix+"proxy-ssl-secret"]; ok {
		dir := secretDir("upstream", i.namespace, a.value)
		s.tls.Add("ca", document.Text(dir+"/ca.crt"))
		s.tls.Add("cert", document.Text(dir+"/tls.crt"))
		s.tls.Add("key", document.Text(dir+"/tls.key"))
		c.differs(i, prefix+"proxy-ssl-secret", "The secret is expected as files in "+dir+".", "Mount it there, and take out what it does not have.")
	}
	if a, ok := i.annotations[prefix+"proxy-ssl-name"]; ok {
		s.tls.Add("server-name", document.Text(a.value))
	}
	if i.annotations[prefix+"proxy-ssl-verify"].value != "on" {
		s.tls.Add("verify", document.Word("off"))
		for n := range s.tls {
			if s.tls[n].Key == "ca" {
				s.tls = append(s.tls[:n], s.tls[n+1:]...)
				break
			}
		}
		c.differs(i, prefix+"backend-protocol", "The service's certificate is not verified, as with ingress-nginx.", "Take verify: off out, and give ca.")
	}
}
