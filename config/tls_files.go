package config

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strconv"

	"github.com/anygate/anygate/tlsedge"
	"github.com/anygate/anygate/tlsedge/certificate"
)

// pairDraft is a certificate with where it stands.
type pairDraft struct {
	cert, key *node
	pair      *certificate.Pair // nil where files are not read, or wrong
}

const wantPair = "{cert: FILE, key: FILE}, or a file that holds both"

// readCertificates reads {cert, key}, a file that holds both, or a list of these.
func (l *loader) readCertificates(v *node, t *TLS) {
	if v.shape == list && len(v.items) == 0 {
		l.errorAt(v, Diagnostic{Msg: "the list is empty", Want: wantPair})
	}
	for _, item := range l.items(v) {
		if len(t.Certificates) == maxCertificates {
			l.errorAt(item, Diagnostic{Msg: "more than " + strconv.Itoa(maxCertificates) + " certificates", Want: "fewer certificates"})
			return
		}
		l.readCertificate(item, t)
	}
}

func (l *loader) readCertificate(item *node, t *TLS) {
	d := &pairDraft{}
	if item.shape == mapping {
		l.fields(
			item, "the certificate",
			field{"cert", func(_, v *node) { d.cert = v }},
			field{"key", func(_, v *node) { d.key = v }},
		)
		switch {
		case item.broken || d.cert != nil && d.cert.lost() || d.key != nil && d.key.lost():
			return
		case d.cert == nil:
			l.errorAt(item, Diagnostic{Msg: "the certificate has no cert", Want: wantPair})
			return
		case d.key == nil:
			d.key = d.cert
		}
	} else {
		d.cert, d.key = item, item
	}
	cert, certText, certOK := l.file(d.cert, wantPair)
	key, keyText, keyOK := cert, certText, certOK
	if d.key != d.cert {
		key, keyText, keyOK = l.file(d.key, "the file of the private key")
	}
	if !certOK || !keyOK {
		return
	}
	t.Certificates = append(t.Certificates, Certificate{cert, key})
	l.tls.pairs = append(l.tls.pairs, d)
	if certText == nil || keyText == nil {
		return
	}
	pair, problems := certificate.Parse(certText, keyText, l.opt.Now)
	l.problems(problems, d.cert, d.key)
	if d.pair = pair; pair == nil {
		return
	}
	l.warnReadable(d.key, key)
}

// warnReadable warns of a private key that is none.
func (l *loader) warnReadable(v *node, key File) {
	if d, open := l.exposed(key.Name, "the private key "+key.Name); open {
		l.warn(v, d)
	}
}

// exposed describes a file that every user of the machine can read or change, though what is in it is meant for the server
// only.
func (l *loader) exposed(path, what string) (d Diagnostic, open bool) {
	if l.opt.Stat == nil {
		return d, false
	}
	info, err := l.opt.Stat(path)
	if err != nil {
		return d, false
	}
	can := ""
	switch info.Mode().Perm() & 0o006 {
	case 0:
		return d, false
	case 0o004:
		can = "read"
	case 0o002:
		can = "change"
	default:
		can = "read and change"
	}
	return Diagnostic{Msg: "every user of this machine can " + can + " " + what, Want: "a file that nobody but the server can read; chgrp to its group and chmod 640 make it one"}, true
}

// problems reports what is wrong with a pair of files, where they are named.
func (l *loader) problems(problems certificate.Problems, chain, key *node) {
	for _, p := range problems {
		at := chain
		if p.Part == certificate.Key {
			at = key
		}
		d := Diagnostic{Msg: p.Msg, Want: p.Want}
		if p.Warning {
			l.warn(at, d)
		} else {
			l.errorAt(at, d)
		}
	}
}

// place resolves a path against the directory of the file that names it.
func (l *loader) place(v *node, want string) (File, bool) {
	s, ok := l.text(v, want)
	if !ok {
		return File{}, false
	}
	f := File{Name: filepath.Clean(s), Path: s, Pos: v.pos()}
	if !filepath.IsAbs(s) {
		f.Name = filepath.Join(v.src.dir, s)
		if v.src.dir != l.opt.BaseDir {
			f.Path = l.relative(f.Name, false)
		}
	}
	return f, true
}

// file reads a file that the configuration names. The content is nil where files are not looked at.
func (l *loader) file(v *node, want string) (File, []byte, bool) {
	f, ok := l.place(v, want)
	if !ok || l.opt.ReadFile == nil || l.opt.Stat == nil {
		return f, nil, ok
	}
	text, err := l.readText(f.Name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		l.errorAt(v, Diagnostic{Kind: KindMissing, Msg: "there is no " + f.Name, Want: "a file, relative to the directory of this one"})
		return f, nil, false
	case errors.Is(err, fs.ErrPermission):
		l.errorAt(v, Diagnostic{Kind: KindMissing, Msg: "cannot read " + f.Name + ": " + cause(err), Want: "a file that the user AnyGate runs as can read"})
		return f, nil, false
	case err != nil:
		l.errorAt(v, Diagnostic{Kind: KindMissing, Msg: "cannot read " + f.Name + ": " + cause(err), Want: "a file"})
		return f, nil, false
	}
	if text == nil {
		text = []byte{}
	}
	return f, text, true
}

// directory finds a directory that the server writes to. It need not be there yet.
func (l *loader) directory(v *node, want string) (File, bool) {
	f, ok := l.place(v, want)
	if !ok || l.opt.Stat == nil {
		return f, ok
	}
	if info, err := l.opt.Stat(f.Name); err == nil && !info.IsDir() {
		l.errorAt(v, Diagnostic{Msg: f.Name + " is not a directory", Want: want})
		return f, false
	}
	return f, true
}

// authorities reads a file of those who vouch for clients.
func (l *loader) authorities(v *node) (File, bool) {
	f, text, ok := l.file(v, "the file of the authorities that vouch for clients")
	if ok && text != nil {
		_, problems := certificate.ParseAuthorities(text, l.opt.Now)
		l.problems(problems, v, v)
		ok = !problems.Fatal()
	}
	return f, ok
}

const wantSecret = "at least 32 random bytes, for example by: head -c 48 /dev/urandom | base64"

func (l *loader) readTicketFile(v *node, t *Tickets) {
	f, text, ok := l.file(v, "the file of the secret that ticket keys are made of")
	if !ok {
		return
	}
	if text != nil && len(text) < tlsedge.MinTicketSecret {
		l.errorAt(v, Diagnostic{Msg: f.Name + " has only " + strconv.Itoa(len(text)) + " bytes, too few for a secret", Want: wantSecret})
		return
	}
	if d, open := l.exposed(f.Name, "the secret in "+f.Name); open {
		l.warn(v, d)
	}
	t.File, t.Secret, t.Variable = &f, "", ""
}

func (l *loader) readTicketSecret(v *node, t *Tickets) {
	s, ok := l.text(v, "a secret such as ${TICKET_SECRET}")
	if !ok {
		return
	}
	if len(s) < tlsedge.MinTicketSecret {
		l.errorAt(v, Diagnostic{Msg: "the secret has only " + strconv.Itoa(len(s)) + " bytes, too few for one", Want: wantSecret})
		return
	}
	t.File, t.Secret, t.Variable = nil, s, v.variable()
	if t.Variable == "" {
		l.warn(v, Diagnostic{Msg: "the secret of tickets stands in the configuration", Want: "${NAME} with a variable of the environment, or a file"})
	}
}
