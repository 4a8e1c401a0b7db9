package config

import (
	"slices"
	"strconv"
	"strings"

	"github.com/anygate/anygate/route"
)

// The bounds of lists in `tls`.
const (
	// maxCertificates bounds the certificates, all of which are in memory.
	maxCertificates = 10_000
	// maxClients bounds the sets of clients' authorities.
	maxClients = 256
)

// finishTLS fills in what the profile says, and checks what only all files together tell.
func (l *loader) finishTLS() {
	t := l.cfg.TLS
	secure := slices.ContainsFunc(l.cfg.Listen, func(ln Listener) bool { return ln.TLS })
	if t == nil {
		if !l.broken && !l.lentTLS {
			l.finishWithoutTLS()
		}
		return
	}
	t.fill()
	if t.Minimum == "1.3" && l.tls.ciphers != nil {
		l.errorAt(l.tls.ciphers, Diagnostic{
			Msg: "the cipher suites are those of TLS 1.2, which is not spoken", Want: "no ciphers, or a minimum of 1.2",
			Related: []Related{related(l.tls.minimum, "the minimum")},
		})
	}
	if l.tls.minimum != nil && t.Profile == "modern" && t.Minimum == "1.2" {
		l.errorAt(l.tls.minimum, Diagnostic{Msg: "the profile modern is TLS 1.3 only", Want: "the profile intermediate, or no minimum"})
	}
	for _, d := range l.tls.listen {
		if !slices.ContainsFunc(l.cfg.Listen, func(ln Listener) bool { return ln.TLS && ln.Address() == d.listen }) && !l.broken {
			var known []string
			for _, ln := range l.cfg.Listen {
				if ln.TLS {
					known = append(known, ln.Address())
				}
			}
			l.errorAt(d.at, Diagnostic{Msg: "no TLS is spoken on the address " + d.listen, Want: oneOf(known), Suggest: route.Suggest(d.listen, known)})
		}
	}
	l.finishCertificates(t, secure)
}

// finishWithoutTLS reports what makes no sense without the section.
func (l *loader) finishWithoutTLS() {
	for i, item := range l.tls.listeners {
		if i < len(l.cfg.Listen) && l.cfg.Listen[i].TLS {
			l.errorAt(item, Diagnostic{Msg: "there is no certificate for TLS", Want: "tls: {certificates: [{cert: site.pem, key: site.key}]}"})
		}
	}
	l.finishMTLS(slices.ContainsFunc(l.cfg.Listen, func(ln Listener) bool { return ln.TLS }))
}

// finishMTLS reports policies that nobody could ever satisfy.
func (l *loader) finishMTLS(secure bool) {
	for _, s := range l.mtls {
		if !secure {
			l.errorIn(s.at, s.off, s.n, Diagnostic{
				Msg: `the policy "mtls" is for clients that come over TLS, and no address speaks it`, Want: `an address such as ":443 tls" in listen`,
			})
		}
	}
}

// fill completes the section with what its profile says.
func (t *TLS) fill() {
	if t.Minimum == "" {
		t.Minimum = "1.2"
		if t.Profile == "modern" {
			t.Minimum = "1.3"
		}
	}
}

// finishCertificates checks the certificates against the names that are asked of them.
func (l *loader) finishCertificates(t *TLS, secure bool) {
	switch {
	case l.broken:
		return
	case secure && len(t.Certificates) == 0 && len(l.diagnostics) == 0:
		l.errorAt(l.tls.key, Diagnostic{Msg: "there is no certificate for TLS", Want: "certificates: [{cert: site.pem, key: site.key}]"})
	case !secure:
		l.warn(l.tls.key, Diagnostic{Msg: "no address in listen speaks TLS", Want: `an address such as ":443 tls"`})
	}
	l.finishMTLS(secure)
	names := l.certificateNames()
	if names == nil {
		return
	}
	if d := l.tls.byDefault; d != nil && t.Default != "none" && !names.has(t.Default) {
		l.errorAt(d, Diagnostic{
			Msg: "no certificate is for " + strconv.Quote(t.Default), Want: "a name of one of the certificates, or none",
			Suggest: route.Suggest(t.Default, append(names.all(), "none")),
		})
	}
	if p := l.tls.public; p != nil && !names.has(t.ECH.PublicName) {
		l.errorAt(p, Diagnostic{
			Msg:  "no certificate is for " + t.ECH.PublicName + ", and clients whose key is out of date need one to learn the new key",
			Want: "the name of one of the certificates",
		})
	}
	l.warnUseless()
}

// certificateNames are the names of all certificates, nil where some could not be read.
func (l *loader) certificateNames() certificateNames {
	names := make(certificateNames)
	for _, d := range l.tls.pairs {
		if d.pair == nil {
			return nil
		}
		for _, name := range d.pair.Names {
			names[name] = true
		}
	}
	return names
}

// certificateNames is a set of names, some of which begin with a star.
type certificateNames map[string]bool

// has reports whether a certificate is for a name.
func (names certificateNames) has(name string) bool {
	if names[name] {
		return true
	}
	_, parent, ok := strings.Cut(name, ".")
	return ok && names["*."+parent]
}

func (names certificateNames) all() (list []string) {
	for name := range names {
		list = append(list, name)
	}
	slices.Sort(list)
	return list
}

// warnUseless warns of certificates that no client is ever shown: each of their names has another one before it with a
// key of the same kind.
func (l *loader) warnUseless() {
	type slot struct{ name, kind string }
	first := make(map[slot]*pairDraft)
	for i, d := range l.tls.pairs {
		useful := i == 0 || len(d.pair.Names) == 0
		var other *pairDraft
		for _, name := range d.pair.Names {
			s := slot{name, strings.TrimRight(d.pair.Kind(), "0123456789")}
			if strings.HasPrefix(d.pair.Kind(), "ECDSA") {
				s.kind = d.pair.Kind()
			}
			if first[s] == nil {
				first[s], useful = d, true
			} else {
				other = first[s]
			}
		}
		if !useful && other != nil {
			l.warn(d.cert, Diagnostic{
				Msg: "the certificate is never shown: another one with a key of the same kind is for the same names", Want: "one certificate of a kind for each name",
				Related: []Related{related(other.cert, "the other one")},
			})
		}
	}
}
