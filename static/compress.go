package static

import (
	"github.com/anygate/anygate/static/coding"
)

// Compress says which content codings a site has besides identity.
type Compress uint8

const (
	// CompressOn sends the coded forms that lie beside a file, FILE.br, FILE.zst
	// and FILE.gz, and has others made while serving.
	CompressOn Compress = iota
	// CompressPrecompressed sends only those that lie beside the file.
	CompressPrecompressed
	// CompressOff sends every file as it is.
	CompressOff
)

// siblings are the forms that lie beside a file.
type siblings struct {
	has  coding.Set
	form [coding.Count]identity
}

// negotiate decides at opening whether there is anything to choose from. The file
// may have been replaced since its forms were seen.
//
// Forms are made for the usual spelling of a path only: others are made up.
func (f *finding) negotiate(s *Site, media string) {
	for k := range f.siblings.form {
		if g := &f.siblings.form[k]; g.mtime < f.file.mtime {
			*g = identity{}
			f.siblings.has &^= coding.Set(0).With(coding.Coding(k))
		}
	}
	codable := s.compress == CompressOn && f.file.size >= coding.Least && f.file.size <= codableLimit && coding.Compressible(media)
	f.codable = codable && plainPath(f.image[:f.marks.path])
	f.negotiates = codable || f.siblings.has != 0
}

// preference reads Accept-Encoding. Most clients of a moment send the same one,
// so the last is remembered.
func (c *Cache) preference(field []byte) coding.Preference {
	if string(field) == string(c.accept) {
		return c.accepted
	}
	p := coding.Parse(field)
	if len(field) <= cap(c.accept) {
		c.accept, c.accepted = append(c.accept[:0], field...), p
	}
	return p
}

// represent chooses the form in which a file is sent: the entry itself, or that of
// a form. Pending is the coding of a form that the client would rather have and that is
// being made. It returns nil if the form has to be asked for.
//
// Parts are parts of the identity form: clients assemble files of them, and what
// is assembled of a coding's bytes is of no use to most.
func (c *Cache) represent(s *Site, e *Entry, r *Request) (chosen *Entry, pending coding.Coding) {
	if !e.is(flagNegotiates) || r.AcceptEncoding == nil || r.Range != nil && r.GET {
		return e, coding.Identity
	}
	p := c.preference(r.AcceptEncoding)
	chosen = e
	if e.has != 0 {
		if k := p.Choose(e.has); k != coding.Identity {
			if chosen = c.sibling(s, e, k); chosen == nil {
				return nil, coding.Identity
			}
		}
	}
	if chosen == e && e.is(flagCodable) {
		chosen, pending = c.choose(s, e, p)
	}
	if r.IfNoneMatch != nil || r.IfMatch != nil {
		chosen, pending = c.recognised(e, chosen, pending, p, r)
	} else {
		pending = coding.Identity
	}
	if chosen != e {
		c.use(chosen)
	}
	return chosen, pending
}

// sibling is the entry of the form that lies beside a file, the file's own if it is not
// there after all, and nil if it has to be asked for.
func (c *Cache) sibling(s *Site, e *Entry, k coding.Coding) *Entry {
	if v := c.form(e, k); v != nil && !v.is(flagMade) && stampOf(&v.file) == e.stamps[k] {
		// A form goes with its file; but one that was young is looked at again.
		if !v.is(flagYoung) || c.came(v) || remaining(v.lease.Load(), s.generation.Load(), c.now) > 0 {
			return v
		}
	}
	if c.wait != nil && c.wait.without.Has(k) {
		return e
	}
	c.misses++
	c.ask = Ask{kind: askBeside, k: k, site: s, entry: e.token, reader: c}
	return nil
}

// choose chooses among the forms that are made while serving: the one to send, and the
// one that the client would like best, if that is under way. A young file may be changing; it is
// not worth the work yet.
func (c *Cache) choose(s *Site, e *Entry, p coding.Preference) (chosen *Entry, pending coding.Coding) {
	k := p.Choose(coding.Every)
	if k == coding.Identity {
		return e, k
	}
	if v := c.form(e, k); v != nil && v.is(flagMade) {
		return v, coding.Identity
	}
	state := e.forms.Load()
	if !e.is(flagYoung) && state&formsUseless == 0 {
		if state&formAsked(k) == 0 {
			c.askForm(s, e, k)
			state = e.forms.Load()
		}
		if state&(formAsked(k)|formFailed(k)) == formAsked(k) {
			pending = k
		}
	}
	if ready := e.ready(); ready != 0 {
		if k := p.Choose(ready); k != coding.Identity {
			if v := c.form(e, k); v != nil && v.is(flagMade) {
				return v, pending
			}
		}
	}
	return e, pending
}

// recognised is the form that the client says it has, among those that it accepts.
// Which one is selected is up to the server (RFC 9110 12.1), and a client that has a
// form is better served with 304 than with another form. For that a form that is being made
// need not be there.
func (c *Cache) recognised(e, chosen *Entry, pending coding.Coding, p coding.Preference, r *Request) (*Entry, coding.Coding) {
	list, strong := r.IfNoneMatch, false
	if r.IfMatch != nil {
		list, strong = r.IfMatch, true
	}
	matches := func(f *Entry) bool {
		v := f.validators()
		return v.matchesList(list, strong)
	}
	switch {
	case matches(chosen):
		return chosen, coding.Identity
	case !strong && pending != coding.Identity && c.matchesPending(e, pending, list):
		return e, pending
	case p.Accepts(coding.Identity) && matches(e):
		return e, coding.Identity
	}
	return chosen, coding.Identity
}

// matchesPending reports whether a list of entity tags includes that of a form that is not
// there yet, and leaves the tag in c.tag.
func (c *Cache) matchesPending(e *Entry, k coding.Coding, list []byte) bool {
	v := e.validators()
	c.tag = coding.AppendTag(c.tag[:0], v.tag, k)
	v.tag = c.tag
	return v.matchesList(list, false)
}

// servePending answers 304 for a form that is not there yet: its validators follow from
// those of its file.
func (c *Cache) servePending(e *Entry, a *Answer, fallback bool) {
	b := append(c.lines[:0], lineETag...)
	b = append(b, c.tag...)
	b = append(b, e.octets(e.marks.tagEnd, e.marks.linesEnd)...)
	if fallback {
		b = append(b, lineVary...)
	}
	c.lines = b
	a.Status, a.Block, a.Length = 304, b, -1
}
