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

// negotiation is what an entry needs for content negotiation: of a file, which
// forms it has; of a form, what it is a form of.
type negotiation struct {
	// Of a file.
	negotiates bool // the response depends on Accept-Encoding
	codable    bool // forms may be made
	useless    bool // but none is worth having
	tried      bool // and none is to be asked for until the next check
	ready      coding.Set
	forms      [coding.Count]uint32 // tokens

	// Of a form.
	of      uint32 // token of the file's entry; zero for a file
	coding  coding.Coding
	pending bool  // a Job is under way
	made    *Form // what holds the content; nil for a form beside the file
}

// survey is resolve, and a look at the forms beside the file.
func (c *Cache) survey(s *Site, r *root, path []byte) outcome {
	out := c.resolve(s, r, path)
	if out.status == 200 && s.compress != CompressOff && out.file.size > 0 {
		c.probeSiblings(s, r, &out)
	}
	return out
}

// probeSiblings looks for the forms beside the file that c.name names, and
// leaves that as it was. A form that is older than its file is of an earlier
// content, and one that is not shorter is of no use.
func (c *Cache) probeSiblings(s *Site, r *root, out *outcome) {
	length := len(c.name) - 1
	if !coding.Compressible(contentType(c.name[:length])) {
		return
	}
	for k := coding.Brotli; k < coding.Count; k++ {
		c.name = append(append(c.name[:length], k.Suffix()...), 0)
		found := probeFile(r, c.name, s.resolve)
		if f := &found.file; found.status == 200 && f.size > 0 && f.size < out.file.size && f.mtime >= out.file.mtime {
			out.siblings.form[k] = *f
			out.siblings.has = out.siblings.has.With(k)
		}
	}
	c.name = append(c.name[:length], 0)
}

// negotiate decides at opening whether there is anything to choose from. The file
// may have been replaced since its forms were seen.
func (e *Entry) negotiate(s *Site, media string) {
	for k := range e.siblings.form {
		if f := &e.siblings.form[k]; f.mtime < e.file.mtime {
			*f = identity{}
			e.siblings.has &^= coding.Set(0).With(coding.Coding(k))
		}
	}
	e.codable = s.compress == CompressOn && e.file.size >= coding.Least && e.file.size <= codableLimit && coding.Compressible(media)
	e.negotiates = e.codable || e.siblings.has != 0
}

// Compressor connects the cache with what makes forms: submit takes a job, unless it
// is too busy, and shelf is where forms are found that were made before. Whoever
// made one calls reply, whose argument is to reach Deliver on the cache's thread.
// Without a compressor only forms beside the files are sent.
func (c *Cache) Compressor(submit func(*Job) bool, shelf *Shelf, reply func(Coded) bool) {
	c.submit, c.shelf, c.reply = submit, shelf, reply
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
// a form.
//
// Parts are parts of the identity form: clients assemble files of them, and what
// is assembled of a coding's bytes is of no use to most.
func (c *Cache) represent(s *Site, e *Entry, r *Request) *Entry {
	if !e.negotiates || r.AcceptEncoding == nil || r.Range != nil && r.GET {
		return e
	}
	p := c.preference(r.AcceptEncoding)
	chosen, wanted := e, e
	if e.siblings.has != 0 {
		if k := p.Choose(e.siblings.has); k != coding.Identity {
			chosen = c.sibling(s, e, k, r.Now)
		}
	}
	if chosen == e && e.codable {
		chosen, wanted = c.choose(e, p, r.Now)
	}
	if r.IfNoneMatch != nil || r.IfMatch != nil {
		chosen = e.recognised(chosen, wanted, p, r)
	}
	if chosen != e && chosen.touched != r.Now {
		c.touch(chosen, r.Now)
		if chosen.made != nil {
			chosen.made.used.Store(r.Now)
		}
	}
	return chosen
}

// choose chooses among the forms that are made while serving: the one to send, and the
// one that the client would like best, which may be under way.
func (c *Cache) choose(e *Entry, p coding.Preference, now int64) (chosen, wanted *Entry) {
	k := p.Choose(coding.Every)
	switch {
	case k == coding.Identity:
		return e, e
	case e.ready.Has(k):
		chosen = c.entry(e.forms[k])
		return chosen, chosen
	}
	chosen, wanted = e, c.made(e, k, now)
	if e.ready != 0 {
		if k := p.Choose(e.ready); k != coding.Identity {
			chosen = c.entry(e.forms[k])
		}
	}
	return chosen, wanted
}

// recognised is the form that the client says it has, among those that it accepts.
// Which one is selected is up to the server (RFC 9110 12.1), and a client that has a
// form is better served with 304 than with another form.
func (e *Entry) recognised(chosen, wanted *Entry, p coding.Preference, r *Request) *Entry {
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
		return chosen
	case !strong && wanted != e && matches(wanted):
		// It is being made, and 304 does not need it.
		return wanted
	case p.Accepts(coding.Identity) && matches(e):
		return e
	}
	return chosen
}
