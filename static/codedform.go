package static

import (
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/anygate/anygate/http1"
	"github.com/anygate/anygate/static/coding"
)

// The forms of a file are entries like its own, with their own field lines and
// content, so that what answers from an entry need not know of them. They are found
// through the file's entry instead of the table, go with it, and take part in the
// order of use by themselves.

// attach makes the entry of a form of e.
func (c *Cache) attach(e *Entry, k coding.Coding, now int64) *Entry {
	// The file must not make way for its form.
	c.unlink(c.orderOf(e), e)
	c.link(c.orderOf(e), e)
	v := c.take(e.minor)
	v.outcome = outcome{status: 200, file: e.file}
	v.site, v.checked, v.modified, v.fd = e.site, now, e.modified, -1
	v.of, v.coding = e.token, k
	return v
}

// admit makes a form findable.
func (c *Cache) admit(e, v *Entry, now int64) {
	e.forms[v.coding] = v.token
	v.indexed = true
	v.touched = now
	c.link(c.orderOf(v), v)
}

// detach makes a form unfindable.
func (c *Cache) detach(v *Entry) {
	e := c.entry(v.of)
	e.forms[v.coding] = 0
	e.ready &^= coding.Set(0).With(v.coding)
}

// evictForms drops the forms of an entry that is dropped itself or, with young,
// only those whose files may have changed without a visible change.
func (c *Cache) evictForms(e *Entry, young bool) {
	for _, token := range e.forms {
		if token == 0 {
			continue
		}
		if v := c.entry(token); !young || v.young {
			c.evict(v)
		}
	}
}

// sibling is the entry of the form that lies beside a file, or the file's own if
// that cannot be opened.
func (c *Cache) sibling(s *Site, e *Entry, k coding.Coding, now int64) *Entry {
	if token := e.forms[k]; token != 0 {
		return c.entry(token)
	}
	if e.tried {
		return e
	}
	r, errno := c.rootOf(s, now)
	if errno != 0 {
		return e
	}
	c.Retain(e)
	v := c.attach(e, k, now)
	c.nameSibling(s, e, k)
	if c.openSibling(v, s, r, &e.siblings.form[k], now) {
		v.buildFormBlock(e, k)
		c.admit(e, v, now)
	} else {
		// What was seen there is there no more, as the next check will see.
		e.tried = true
		c.free(v)
		v = e
	}
	c.Release(e)
	return v
}

// nameSibling writes the name of a form into c.name.
func (c *Cache) nameSibling(s *Site, e *Entry, k coding.Coding) {
	switch {
	case s.file != nil:
		c.name = append(c.name[:0], s.file...)
	default:
		c.name, _, _ = appendName(c.name[:0], e.path)
		if e.index > 0 {
			if len(c.name) > 0 {
				c.name = append(c.name, '/')
			}
			c.name = append(c.name, s.index[e.index-1]...)
		}
	}
	c.name = append(append(c.name, k.Suffix()...), 0)
}

// openSibling opens the form that c.name names, and reports whether it is the one
// that was seen beside the file. Another one may belong to another version of it.
func (c *Cache) openSibling(v *Entry, s *Site, r *root, seen *identity, now int64) bool {
	fd, errno := openat2(r.fd, c.name, openFlags, s.resolve)
	if errno != 0 {
		return false
	}
	var st fileStat
	if statOf(fd, &st) != 0 || st.mode != unix.S_IFREG || st.identity != *seen {
		unix.Close(fd)
		return false
	}
	v.fd = int32(fd)
	v.file = st.identity
	v.modified = max(0, min(st.modified, now))
	v.young = st.changed > now-youngSeconds
	if st.size <= smallLimit && c.readContent(v, &st) == contentChanged {
		c.closeDescriptor(v)
		return false
	}
	if v.fd >= 0 {
		c.descriptors++
	}
	return true
}

// made is the entry of a form that is made while serving. It may be pending: then it
// has validators and no content. Without a form, and none under way, it is the
// file's own.
func (c *Cache) made(e *Entry, k coding.Coding, now int64) *Entry {
	if token := e.forms[k]; token != 0 {
		return c.entry(token)
	}
	// A young file may be changing; it is not worth the work yet.
	if e.tried || e.useless || e.young || c.submit == nil {
		return e
	}
	form := c.shelf.Find(e.key(k))
	c.Retain(e)
	v := c.attach(e, k, now)
	v.buildFormBlock(e, k)
	c.admit(e, v, now)
	if form != nil {
		c.fill(e, v, form)
		c.Release(e)
		return v
	}
	// Both stay until the reply comes.
	c.Retain(v)
	v.pending = true
	c.job = Job{Key: e.key(k), Memory: e.memory, FD: e.fd, Token: v.token, Reply: c.reply}
	if !c.submit(&c.job) {
		c.Deliver(Coded{Token: v.token})
		return e
	}
	return v
}

// fill gives a form its content.
func (c *Cache) fill(e, v *Entry, f *Form) {
	v.made, v.memory, v.fd = f, f.held.memory, f.held.fd
	v.file.size = f.held.size
	e.ready = e.ready.With(v.coding)
}

// Deliver takes the outcome of a Job.
func (c *Cache) Deliver(o Coded) {
	v := c.entry(o.Token)
	if !v.pending {
		panic("static: Deliver of a form that was not asked for")
	}
	v.pending = false
	e := c.entry(v.of)
	switch {
	case o.Form != nil && v.indexed:
		c.fill(e, v, o.Form)
	case o.Form != nil:
		o.Form.Release()
	case v.indexed:
		e.useless = e.useless || o.Useless
		e.tried = true
		c.evict(v)
	}
	c.Release(v)
	c.Release(e)
}

// Abandon gives up all jobs that are under way. It is called when nobody works on
// them any more, and no reply will come.
func (c *Cache) Abandon() {
	for i := range c.chunks {
		for j := range c.chunks[i] {
			if v := &c.chunks[i][j]; v.pending {
				c.Deliver(Coded{Token: v.token})
			}
		}
	}
}

// buildFormBlock writes the field lines of a form: those of its file, with the
// coding and its own validators, and without Accept-Ranges.
func (v *Entry) buildFormBlock(e *Entry, k coding.Coding) {
	b := append(v.block[:0], e.block[:e.marks.ranges]...)
	v.marks = e.marks
	b = append(b, "Content-Encoding: "...)
	b = append(b, k.String()...)
	b = append(b, "\r\n"...)
	v.marks.validation = uint16(len(b))
	b = append(b, lineETag...)
	if v.young {
		b = append(b, "W/"...)
	}
	v.marks.tag = uint16(len(b))
	b = v.appendTag(b, e, k)
	v.marks.tagEnd = uint16(len(b))
	b = append(b, "\r\n"+lineLastModified...)
	v.marks.date = uint16(len(b))
	b = http1.AppendDate(b, v.modified)
	v.marks.dateEnd = uint16(len(b))
	shift := v.marks.dateEnd - e.marks.dateEnd
	v.marks.fallback += shift
	v.marks.hints += shift
	v.block = append(b, e.block[e.marks.dateEnd:]...)
}

// appendTag writes the opaque tag of a form. One beside the file is told by its own
// time and length; one that is made follows from the file, so that its tag is known
// before it is.
func (v *Entry) appendTag(b []byte, e *Entry, k coding.Coding) []byte {
	tag := e.block[e.marks.tag:e.marks.tagEnd]
	if e.siblings.has.Has(k) {
		var own [2*16 + 3]byte
		tag = appendFileTag(own[:0], &v.file)
	}
	return coding.AppendTag(b, tag, k)
}

// appendFileTag writes the opaque tag of a file.
func appendFileTag(b []byte, f *identity) []byte {
	b = append(b, '"')
	b = strconv.AppendUint(b, uint64(f.mtime), 16)
	b = append(b, '-')
	b = strconv.AppendInt(b, f.size, 16)
	return append(b, '"')
}
