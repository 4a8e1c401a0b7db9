package static

import (
	"sync/atomic"

	"github.com/anygate/anygate/engine/offheap"
	"github.com/anygate/anygate/static/coding"
)

// Entry is what one path of a site leads to: an opened file, a coded form of one, or
// the knowledge that there is none. It lies outside the Go heap, is written by
// the Store before it is published, and what a reader sees of it does not change
// from then on, except for the atomic fields. A file that changes gets another Entry.
type Entry struct {
	// What finding an entry and answering from it touches comes first.
	hash    uint64
	lease   atomic.Uint64 // see leaseOf
	next    atomic.Uint32 // in the chain of the index
	site    uint32
	image   uintptr // see marks
	fd      int32   // -1 if there is none
	status  uint16
	variant coding.Coding // Identity for the file itself
	flags   entryFlags
	marks   marks
	has     coding.Set // the forms that lie beside the file
	index   uint8      // see outcome

	// forms is what has become of the forms that are made while serving.
	forms atomic.Uint32
	// renewing is set by the reader that asks for a renewal of the lease.
	renewing atomic.Uint32

	file     identity
	modified int64                // Last-Modified
	of       uint64               // of a form: the stamp of its file
	stamps   [coding.Count]uint64 // of the forms that lie beside the file

	// The rest is the Store's.
	token  uint32
	extent extent
	rank   rank
	state  entryState
	idle   uint16
	at     uint32 // place in the list of its rank
	carry  uint32 // frequency at the last pass
	seen   uint32 // uses counted by then
	// refs counts who keeps the entry besides the index: jobs, deliveries, and
	// shards that were sending from it when it was dropped.
	refs atomic.Int32
}

type entryFlags uint16

const (
	flagDeep       entryFlags = 1 << iota // see outcome
	flagShell                             // see outcome
	flagYoung                             // changed so recently that its timestamps prove nothing
	flagMemory                            // the content follows the head
	flagNegotiates                        // the response depends on Accept-Encoding
	flagCodable                           // forms may be made
	flagMade                              // a form that was made while serving
)

// entryState says where an entry is.
type entryState uint8

const (
	stateVacant  entryState = iota
	statePassing            // only being sent; not to be found
	stateIndexed            // to be found
	stateDropped            // not to be found any more
)

func (e *Entry) is(f entryFlags) bool { return e.flags&f != 0 }

// Token identifies an entry where a pointer cannot be kept. It is never zero, and is
// used again only when nobody holds the entry.
func (e *Entry) Token() uint32 { return e.token }

// Size is the length of the content.
func (e *Entry) Size() int64 { return e.file.size }

// marks divide an entry's image, which is one piece of memory:
//
//	path      the request path that the entry answers
//	hints     the field lines of a 103
//	head      of a 200 of HTTP/1.1, ready to be sent but for the date
//	content   if it is short
//
// The head is the start that the Store was given, the date, the field lines, and
// Content-Length with the line that ends the head. The field lines are laid out so that
// every response is one piece of them:
//
//	Content-Type
//	X-Content-Type-Options
//	Accept-Ranges, or Content-Encoding
//	ETag, Last-Modified, Cache-Control
//	Vary
//
// A 200 is all of them, a 304 begins with the validators (RFC 9110 15.4.5), and a
// 404 with the file as its page ends before Accept-Ranges.
type marks struct {
	path       uint16 // where the path ends
	head       uint16 // where the head begins
	now        uint16 // where the value of Date begins
	lines      uint16 // where the field lines begin
	typeEnd    uint16 // where the line of Content-Type ends
	ranges     uint16 // where Accept-Ranges begins
	validation uint16 // where the lines of a 304 begin
	tag        uint16 // where the opaque tag begins, at its opening quote
	tagEnd     uint16
	date       uint16 // where the date of Last-Modified begins
	dateEnd    uint16
	linesEnd   uint16
	content    uint16 // where the content begins, and the head ends
}

// octets views a piece of the image.
func (e *Entry) octets(from, to uint16) []byte {
	return offheap.Bytes(e.image+uintptr(from), int(to-from))
}

func (e *Entry) path() []byte { return e.octets(0, e.marks.path) }

// content is all of the content, if it is in memory.
func (e *Entry) content() []byte {
	if !e.is(flagMemory) {
		return nil
	}
	return offheap.Bytes(e.image+uintptr(e.marks.content), int(e.file.size))
}

// whole is the head and the content of a 200 in one piece.
func (e *Entry) whole() []byte {
	return offheap.Bytes(e.image+uintptr(e.marks.head), int(e.marks.content-e.marks.head)+int(e.file.size))
}

// validators are what a request's preconditions are compared with.
func (e *Entry) validators() validators {
	return validators{
		tag:      e.octets(e.marks.tag, e.marks.tagEnd),
		weak:     e.is(flagYoung),
		date:     e.octets(e.marks.date, e.marks.dateEnd),
		modified: e.modified,
	}
}

// lines are the field lines of a 200, validation those of a 304.
func (e *Entry) lines() []byte      { return e.octets(e.marks.lines, e.marks.linesEnd) }
func (e *Entry) validation() []byte { return e.octets(e.marks.validation, e.marks.linesEnd) }

// mediaType is the value of Content-Type.
func (e *Entry) mediaType() []byte {
	return e.octets(e.marks.lines+uint16(len(lineContentType)), e.marks.typeEnd-2)
}

// pageLines are the field lines of the file as the page of an error: it has a
// type, but neither validators nor parts.
func (e *Entry) pageLines() []byte { return e.octets(e.marks.lines, e.marks.ranges) }

// hintLines are the field lines of a 103 that announces the file, if any.
func (e *Entry) hintLines() []byte { return e.octets(e.marks.path, e.marks.head) }

// leaseOf is for how long an entry is believed, in one word: until a time, as long as
// the generation of its site is the one that it was looked at in.
func leaseOf(generation uint32, until int64) uint64 {
	return uint64(generation)<<leaseBits | uint64(until)&leaseMask
}

const (
	leaseBits = 40 // 34 years of milliseconds
	leaseMask = 1<<leaseBits - 1
)

// remaining is how many milliseconds of a lease are left; none if the site has moved on.
func remaining(lease uint64, generation uint32, now int64) int64 {
	if uint32(lease>>leaseBits) != generation&(1<<(64-leaseBits)-1) {
		return 0
	}
	return int64(lease&leaseMask) - now
}

// The forms of a file that are made while serving, three bits for each coding in
// Entry.forms: that it was asked for, that it is there, that it came to nothing. It
// is asked for again when the lease is renewed after it came to nothing, and never
// if no form of the file is worth having.
const (
	formsReady   = 8
	formsFailed  = 16
	formsUseless = 1 << 24
)

func formAsked(k coding.Coding) uint32  { return 1 << k }
func formReady(k coding.Coding) uint32  { return 1 << (formsReady + k) }
func formFailed(k coding.Coding) uint32 { return 1 << (formsFailed + k) }

// ready are the forms that are there.
func (e *Entry) ready() coding.Set { return coding.Set(e.forms.Load() >> formsReady) }
