package gateway

import (
	"bytes"
	"unsafe"

	"github.com/anygate/anygate/h2"
)

// h2Heads are encoded heads of responses that are given again and again, those
// of small files above all: to compress a head costs as much as all else of
// such a response. They are in the form that refers to no connection's table,
// like answers built at load: some bytes more on the wire.
//
// A head is found by where its field lines lie, which is in the cache of files,
// and is the one only if they are the same to the letter. So nothing has to tell
// the table that a file has changed.
type h2Heads [h2HeadSlots]h2EncodedHead

type h2EncodedHead struct {
	lines  []byte // a copy
	block  []byte
	length int64
	status int
	date   int
	worth  uint8 // how many misses it takes to give its place to another
}

// find returns the encoded head of a response, nil if there is none: then the
// next one of its kind may have one.
func (t *h2Heads) find(r *Response, length int64) *h2EncodedHead {
	at := uintptr(unsafe.Pointer(unsafe.SliceData(r.Block)))
	e := &t[(at>>4^at>>12)%h2HeadSlots]
	if e.length == length && e.status == r.Status && bytes.Equal(e.lines, r.Block) {
		e.worth = h2HeadWorth
		return e
	}
	if e.worth > 0 || len(r.Block) > h2HeadMost {
		e.worth -= min(e.worth, 1)
		return nil
	}
	e.worth = h2HeadWorth
	e.lines = append(e.lines[:0], r.Block...)
	e.length, e.status = length, r.Status
	e.block, e.date = h2.AppendBlock(e.block[:0], &h2.ResponseHead{
		Status: r.Status, Length: length, Server: serverName, Date: noDate, Block: e.lines,
	})
	return e
}

// noDate stands where the date is to be.
var noDate = make([]byte, 29)
