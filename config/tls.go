package config

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/anygate/anygate/policy/quantity"
	"github.com/anygate/anygate/route"
	"github.com/anygate/anygate/tlsedge/profile"
)

// TLS is how clients are met that come over TLS.
type TLS struct {
	// Certificates are those of all files of the configuration.
	Certificates []Certificate
	// Default is the name whose certificates clients are shown that ask for no name or for an unknown one. Empty is the
	// first certificate, and "none" refuses such clients.
	Default string

	Profile string
	// Minimum is the version "1.2" or "1.3". Ciphers are cipher suites of TLS 1.2 by the names of IANA, and Groups are
	// offered for key agreement.
	Minimum string
	Ciphers []string
	Groups  []string

	// Clients say which clients have to show certificates.
	Clients []Clients
	Tickets Tickets
	OCSP    OCSP
	// ECH is nil when it is off.
	ECH *ECH
	// KTLS has the kernel make the records, where it can.
	KTLS bool
	// HSTS is nil when it is off.
	HSTS *HSTS

	Pos Pos
}

// File is a file that the configuration names.
type File struct {
	// Name is the path in the file system; Path is how a configuration in BaseDir writes it.
	Name, Path string
	Pos        Pos
}

// Certificate is a certificate with its key.
type Certificate struct {
	// Cert holds the chain, and Key the private key. They may be the same file.
	Cert, Key File
}

// Clients are certificates of clients that are asked for, or required.
type Clients struct {
	// CA holds the certificates of the authorities that vouch for clients.
	CA File
	// Require refuses clients without a certificate. Otherwise only a wrong one is refused.
	Require bool
	// Names are the names that clients ask for to which this applies, or all of them if there are none.
	Names []string
	// Listen is the address in `listen` to which this applies, or empty for all of them.
	Listen string
	Pos    Pos
}

// Tickets say how clients may resume sessions.
type Tickets struct {
	Off bool
	// Rotate is for how long a key encrypts, and Keep how many keys can decrypt, the one that encrypts included.
	Rotate time.Duration
	Keep   int
	// Keys are made of the content of File or of Secret, so that servers which share it take each other's tickets; with
	// neither they are this process's own.
	File   *File
	Secret string
	// Variable is the reference from which Secret was taken: ${NAME}; empty if it stands in the file.
	Variable string
}

// OCSP says whether clients are given proof that certificates are not revoked.
type OCSP struct {
	Staple bool
	// Cache is a directory in which responses outlive the process, or empty.
	Cache *File
}

// ECH hides the name that a client asks for (Encrypted Client Hello).
type ECH struct {
	// PublicName is what observers see in its place.
	PublicName string
	// Keys is the directory of the keys.
	Keys File
	// Rotate is the age at which a key is followed by a new one, 0 for never, and Keep how many are understood.
	Rotate time.Duration
	Keep   int
	Pos    Pos
}

// HSTS tells browsers to come over TLS only (RFC 6797).
type HSTS struct {
	MaxAge     time.Duration
	Subdomains bool
	Preload    bool
}

// The defaults of `tls`.
const (
	defaultProfile      = "intermediate"
	defaultTicketRotate = 12 * time.Hour
	defaultTicketKeep   = 3
	defaultECHKeep      = 3
	defaultHSTS         = 365 * 24 * time.Hour
)

func defaultTLS(pos Pos) *TLS {
	return &TLS{
		Profile: defaultProfile, Tickets: Tickets{Rotate: defaultTicketRotate, Keep: defaultTicketKeep}, OCSP: OCSP{Staple: true}, Pos: pos,
	}
}

// tlsDraft is what finishTLS needs to know of where things stand.
type tlsDraft struct {
	pairs                []*pairDraft
	byDefault, minimum   *node
	ciphers, key, public *node
	listen               []listenDraft // of clients
	listeners            []*node       // of the addresses in Config.Listen
}

// listenDraft is a reference of `clients` to an address.
type listenDraft struct {
	at     *node
	listen string
}

// readTLS reads the section. A file adds certificates and clients to those of the files that it includes, and overrides
// everything else.
func (l *loader) readTLS(key, value *node) {
	if l.cfg.TLS == nil {
		l.cfg.TLS = defaultTLS(key.pos())
	}
	t := l.cfg.TLS
	l.tls.key = key
	l.fields(
		value, "tls",
		field{"certificates", func(_, v *node) { l.readCertificates(v, t) }},
		field{"default", func(_, v *node) { l.readDefaultName(v, t) }},
		field{"profile", func(_, v *node) {
			if l.enum(v, "profile", &t.Profile, "intermediate", "modern") && t.Profile == "modern" {
				l.tls.minimum = v
			}
		}},
		field{"minimum", func(_, v *node) {
			if l.enum(v, "version of TLS", &t.Minimum, "1.2", "1.3") {
				l.tls.minimum = v
			}
		}},
		field{"ciphers", func(_, v *node) { l.readCiphers(v, t) }},
		field{"groups", func(_, v *node) { l.readGroupsOfTLS(v, t) }},
		field{"clients", func(_, v *node) { l.readClients(v, t) }},
		field{"tickets", func(_, v *node) { l.readTickets(v, &t.Tickets) }},
		field{"ocsp", func(_, v *node) { l.readOCSP(v, &t.OCSP) }},
		field{"ech", func(_, v *node) { l.readECH(v, t) }},
		field{"ktls", func(_, v *node) { l.readSwitch(v, &t.KTLS) }},
		field{"hsts", func(_, v *node) { l.readHSTS(v, t) }},
		field{"acme", l.refuse(acmeShape)},
	)
}

// readDefaultName reads the name of a certificate, or none.
func (l *loader) readDefaultName(v *node, t *TLS) {
	if s, ok := l.text(v, "a name of one of the certificates, or none"); ok {
		t.Default, l.tls.byDefault = strings.ToLower(s), v
	}
}

func (l *loader) readCiphers(v *node, t *TLS) {
	var known []string
	for _, s := range profile.Suites {
		known = append(known, s.OpenSSL)
	}
	var chosen []string
	for _, item := range l.items(v) {
		s, ok := l.text(item, "the name of a cipher suite such as "+known[0])
		if !ok {
			continue
		}
		suite := profile.FindSuite(s)
		switch {
		case suite == nil && profile.Of13(s):
			l.errorAt(item, Diagnostic{Msg: "the cipher suite " + s + " is one of TLS 1.3, whose three are always on", Want: "cipher suites of TLS 1.2"})
		case suite == nil && profile.Weak(s):
			l.errorAt(item, Diagnostic{Msg: "the cipher suite " + s + " has no forward secrecy or no authenticated encryption", Want: oneOf(known)})
		case suite == nil:
			l.errorAt(item, Diagnostic{Msg: "unknown cipher suite " + strconv.Quote(s), Want: oneOf(known), Suggest: suggestSuite(s, known)})
		case !slices.Contains(chosen, suite.Name):
			chosen = append(chosen, suite.Name)
		}
	}
	if len(chosen) > 0 {
		t.Ciphers, l.tls.ciphers = chosen, v
	} else if v.shape == list && len(v.items) == 0 {
		l.errorAt(v, Diagnostic{Msg: "the list is empty", Want: "cipher suites of TLS 1.2"})
	}
}

// suggestSuite looks among the names of IANA where a name looks like one of them.
func suggestSuite(s string, known []string) string {
	if strings.HasPrefix(strings.ToUpper(s), "TLS_") {
		known = nil
		for _, suite := range profile.Suites {
			known = append(known, suite.Name)
		}
	}
	return route.Suggest(s, known)
}

func (l *loader) readGroupsOfTLS(v *node, t *TLS) {
	var known []string
	for _, g := range profile.Groups {
		known = append(known, g.Name)
	}
	var chosen []string
	for _, item := range l.items(v) {
		s, ok := l.text(item, oneOf(known))
		if !ok {
			continue
		}
		g := profile.FindGroup(s)
		switch {
		case g == nil:
			l.errorAt(item, Diagnostic{Msg: "unknown group " + strconv.Quote(s), Want: oneOf(known), Suggest: route.Suggest(s, known)})
		case !slices.Contains(chosen, g.Name):
			chosen = append(chosen, g.Name)
		}
	}
	if len(chosen) > 0 {
		t.Groups = chosen
	} else if v.shape == list && len(v.items) == 0 {
		l.errorAt(v, Diagnostic{Msg: "the list is empty", Want: oneOf(known)})
	}
}

// The bounds of the section.
const (
	minTicketRotate = time.Minute
	maxTicketKeep   = 64
	minECHRotate    = time.Minute
	maxECHKeep      = 64
	maxHSTS         = 10 * 365 * 24 * time.Hour
	// preloadHSTS is what browsers ask for before they take a name into their lists (hstspreload.org).
	preloadHSTS = 365 * 24 * time.Hour
)

func (l *loader) readTickets(v *node, t *Tickets) {
	if v.shape != mapping {
		on := !t.Off
		l.readSwitch(v, &on)
		t.Off = !on
		return
	}
	var file, secret *node
	l.fields(
		v, "tls.tickets",
		field{"rotate", func(_, v *node) { l.duration(v, minTicketRotate, &t.Rotate) }},
		field{"keep", func(_, v *node) { l.integer(v, 1, maxTicketKeep, &t.Keep) }},
		field{"file", func(_, v *node) { file = v }},
		field{"secret", func(_, v *node) { secret = v }},
	)
	t.Off = false
	switch {
	case file != nil && secret != nil:
		l.errorAt(secret, Diagnostic{Msg: "the keys of tickets have both a file and a secret", Want: "one of them"})
	case file != nil:
		l.readTicketFile(file, t)
	case secret != nil:
		l.readTicketSecret(secret, t)
	}
	if t.Rotate%time.Second != 0 {
		l.errorAt(v, Diagnostic{Msg: "the period of rotate is not in whole seconds", Want: "a duration such as 12h"})
	}
}

func (l *loader) readOCSP(v *node, o *OCSP) {
	if v.shape != mapping {
		l.readSwitch(v, &o.Staple)
		return
	}
	o.Staple = true
	l.fields(
		v, "tls.ocsp",
		field{"staple", func(_, v *node) { l.readSwitch(v, &o.Staple) }},
		field{"cache", func(_, v *node) {
			if f, ok := l.directory(v, "a directory for responses"); ok {
				o.Cache = &f
			}
		}},
	)
}

func (l *loader) readECH(v *node, t *TLS) {
	if v.shape == scalar && (v.text == "off" || v.text == "false") {
		t.ECH = nil
		return
	}
	e := &ECH{Keep: defaultECHKeep, Pos: v.pos()}
	var name, keys *node
	if !l.fields(
		v, "tls.ech",
		field{"public-name", func(_, v *node) { name = v }},
		field{"keys", func(_, v *node) { keys = v }},
		field{"rotate", func(_, v *node) { l.durationOr("off", v, minECHRotate, &e.Rotate) }},
		field{"keep", func(_, v *node) { l.integer(v, 1, maxECHKeep, &e.Keep) }},
	) {
		return
	}
	ok := true
	if name == nil || keys == nil {
		if !v.broken {
			l.errorAt(v, Diagnostic{Msg: "ech lacks its public-name or the directory of its keys", Want: "ech: {public-name: edge.example.com, keys: DIR}"})
		}
		return
	}
	if e.PublicName, ok = l.hostName(name, false); !ok {
		return
	}
	if e.Keys, ok = l.directory(keys, "a directory for the keys"); ok {
		t.ECH, l.tls.public = e, name
	}
}

// hostName reads a name that clients may ask for, or a pattern of them.
func (l *loader) hostName(v *node, pattern bool) (string, bool) {
	want := "a host name such as edge.example.com"
	if pattern {
		want += ", or *.example.com"
	}
	s, ok := l.text(v, want)
	if !ok {
		return "", false
	}
	name := strings.ToLower(s)
	rest := name
	if pattern {
		rest = strings.TrimPrefix(rest, "*.")
	}
	if _, err := netip.ParseAddr(name); err == nil {
		l.errorAt(v, Diagnostic{Msg: "clients do not ask for the address " + s + " by name", Want: want})
		return "", false
	}
	if !isHostName(rest) {
		l.errorAt(v, Diagnostic{Msg: strconv.Quote(s) + " is not a host name", Want: want})
		return "", false
	}
	return name, true
}

// isHostName reports whether a name in lower case can be one of a host (RFC 1123, section 2.1); underscores are in use.
func isHostName(s string) bool {
	if s == "" || len(s) > 253 {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for i := range len(label) {
			if c := label[i]; !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '_') {
				return false
			}
		}
	}
	return true
}

// readHSTS reads for how long browsers are to remember, off, or a mapping.
func (l *loader) readHSTS(v *node, t *TLS) {
	if v.shape == scalar && (v.text == "off" || v.text == "false") {
		t.HSTS = nil
		return
	}
	h := &HSTS{MaxAge: defaultHSTS}
	if v.shape != mapping {
		if v.text == "on" || v.text == "true" || l.hstsAge(v, &h.MaxAge) {
			t.HSTS = h
		}
		return
	}
	l.fields(
		v, "tls.hsts",
		field{"max-age", func(_, v *node) { l.hstsAge(v, &h.MaxAge) }},
		field{"subdomains", func(_, v *node) { l.readSwitch(v, &h.Subdomains) }},
		field{"preload", func(_, v *node) { l.readSwitch(v, &h.Preload) }},
	)
	if h.Preload && (!h.Subdomains || h.MaxAge < preloadHSTS) {
		l.errorAt(v, Diagnostic{Msg: "browsers preload only names with subdomains and a max-age of at least 1y", Want: "hsts: {max-age: 1y, subdomains: on, preload: on}"})
	}
	t.HSTS = h
}

// hstsAge reads a duration that may be in years.
func (l *loader) hstsAge(v *node, into *time.Duration) bool {
	const want = "off or a duration such as 1y or 180d"
	s, ok := l.text(v, want)
	if !ok {
		return false
	}
	var d time.Duration
	if years, found := strings.CutSuffix(s, "y"); found {
		n, err := quantity.Int(years, 1, int(maxHSTS/defaultHSTS))
		if !l.quantity(v, err) {
			return false
		}
		d = time.Duration(n) * defaultHSTS
	} else {
		var err *quantity.Error
		if d, err = quantity.Duration(s); err != nil {
			err.Want = want
			return l.quantity(v, err)
		}
	}
	if d%time.Second != 0 {
		l.errorAt(v, Diagnostic{Msg: "the max-age " + s + " is not in whole seconds", Want: want})
		return false
	}
	*into = d
	return true
}

// formatAge writes the age as the configuration has it.
func formatAge(d time.Duration) string {
	if d > 0 && d%defaultHSTS == 0 {
		return strconv.Itoa(int(d/defaultHSTS)) + "y"
	}
	return quantity.FormatDuration(d)
}
