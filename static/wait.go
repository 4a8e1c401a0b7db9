package static

import "github.com/anygate/anygate/static/coding"

// Wait is a request that waits for the Store to look into the file system. It holds a
// copy of the request, so that this may be answered when its head is gone.
type Wait struct {
	// Owner is the caller's.
	Owner any

	request Request
	copied  []byte
	held    [waitMost]uint32 // entries that came for it
	count   int
	refused bool       // nothing can be had for it
	without coding.Set // forms that are not there after all
	ask     Ask
}

// waitMost is how many entries an answer may take: a path, the page for what is not
// found, the root's index, and a form of one of them.
const waitMost = 4

// Keep makes a Wait for a request.
func (w *Wait) Keep(r *Request) {
	w.count, w.without, w.refused = 0, 0, false
	w.request = *r
	size := 0
	w.request.each(func(b *[]byte) { size += len(*b) })
	if cap(w.copied) < size {
		w.copied = make([]byte, 0, max(size, 512))
	}
	w.copied = w.copied[:0]
	w.request.each(func(b *[]byte) {
		if *b == nil {
			return
		}
		start := len(w.copied)
		w.copied = append(w.copied, *b...)
		*b = w.copied[start:len(w.copied):len(w.copied)]
	})
}

// each goes through the parts of a request that are borrowed.
func (r *Request) each(f func(*[]byte)) {
	for _, b := range [...]*[]byte{
		&r.Path, &r.RawPath, &r.RawQuery, &r.IfMatch, &r.IfNoneMatch, &r.IfModifiedSince, &r.IfUnmodifiedSince,
		&r.Range, &r.IfRange, &r.Accept, &r.SecFetchMode, &r.AcceptEncoding,
	} {
		f(b)
	}
}

// askKind is what a reader asks the Store for.
type askKind uint8

const (
	askFind   askKind = iota // the entry of a path; somebody waits for it
	askBeside                // the form beside a file; somebody waits for it
	askRenew                 // to look at an entry before its lease ends
	askMake                  // to make a form
)

// Ask is what a reader asks the Store for. It goes from the reader's thread to one that
// calls Store.Handle.
type Ask struct {
	kind   askKind
	k      coding.Coding
	site   *Site
	path   []byte // stays as it is until the reply
	fixed  bool   // it is not the request's
	entry  uint32 // what it is about, with a reference
	wait   *Wait
	reader *Cache
}

// Drop gives up an Ask that will not be handled.
func (a *Ask) Drop() {
	if a.entry == 0 {
		return
	}
	e := &a.reader.entries[a.entry]
	if a.kind == askMake {
		e.failed(a.k, 0)
	}
	e.renewing.Store(0)
	e.refs.Add(-1)
}
