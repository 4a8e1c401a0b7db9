package admin

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// changing is the field without which nothing is changed. A page of another origin cannot send it without having asked,
// which is refused.
const changing = "Anygate-Admin"

// guarded answers requests that have the right to ask, and refuses others.
func (s *Server) guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tokens := s.terms.Load().Tokens
		switch {
		case len(tokens) > 0:
			scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
			if !strings.EqualFold(scheme, "Bearer") || !tokens.has(strings.TrimSpace(token)) {
				w.Header().Set("WWW-Authenticate", `Bearer realm="anygate admin"`)
				fail(w, http.StatusUnauthorized, "a token is needed: Authorization: Bearer TOKEN")
				return
			}
		case !addressed(r):
			fail(w, http.StatusMisdirectedRequest, "without a token, requests have to name this machine by an address or as localhost")
			return
		}
		if r.Method != http.MethodGet && r.Method != http.MethodHead && r.Header.Get(changing) == "" {
			fail(w, http.StatusForbidden, "what changes something needs the field "+changing+", with any value")
			return
		}
		if foreign(r) {
			fail(w, http.StatusForbidden, "this request comes from another site")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// foreign reports whether a page of another site asks, as far as a browser tells. It would not be shown the answer, but
// could have it made again and again; a profile costs all requests something. A link that is followed is the user's own
// doing, and shows no more than it says.
func foreign(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "same-origin", "none":
		return false
	}
	followed := r.Method == http.MethodGet && r.Header.Get("Sec-Fetch-Mode") == "navigate" && r.Header.Get("Sec-Fetch-Dest") == "document"
	return !followed || strings.HasPrefix(r.URL.Path, "/debug/")
}

// addressed reports whether a request names this machine in a way that no name server can. A page that a browser shows may
// have a name that leads to a loopback address, and could ask there as if that were its own server (DNS rebinding).
func addressed(r *http.Request) bool {
	if a, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok && a.Network() == "unix" {
		return true
	}
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	_, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil
}
