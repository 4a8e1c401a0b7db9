package gateway

import (
	"slices"

	"github.com/anygate/anygate/engine"
	"github.com/anygate/anygate/static"
)

// listing is a directory that is listed for an exchange. It is read in the
// background, because the status of each entry may have to come from a disk; the
// shard hears of the result by a message.
type listing struct {
	x      *Exchange // nil once it has ended, or got another answer
	begun  int64     // shard clock
	source *static.Listing

	made static.Listed // set before the message is posted
	rest []byte        // what is still to be sent of its content
}

// serveListing has a directory listed.
func (g *Gateway) serveListing(x *Exchange, source *static.Listing) {
	if g.background == nil || len(g.reading) >= listings {
		x.busy()
		return
	}
	l := &listing{x: x, begun: g.s.Now(), source: source}
	x.list = l
	g.reading = append(g.reading, l)
	s := g.s
	g.background(
		func() { l.made = l.source.Make() },
		func() bool { return s.Post(engine.Message{Kind: messageListed, Value: l}) },
	)
}

// listed takes the result.
func (g *Gateway) listed(l *listing) {
	g.reading = slices.DeleteFunc(g.reading, func(other *listing) bool { return other == l })
	x := l.x
	if x == nil {
		return
	}
	l.rest = l.made.Content
	x.head(Response{Status: l.made.Status, Block: l.made.Block, Length: int64(len(l.rest))})
	l.flow()
}

// flow sends as much as the codec takes, and ends the response when that was all.
func (l *listing) flow() {
	x := l.x
	for len(l.rest) > 0 && !x.HEAD() {
		piece := l.rest[:min(len(l.rest), listingPiece)]
		l.rest = l.rest[len(piece):]
		x.codec.Content(x, piece)
		if x.codec.Room(x) <= 0 && len(l.rest) > 0 {
			return // until Writable
		}
	}
	x.end(nil)
}

// hurryListings answers those who have waited too long: a directory on a disk that
// does not answer keeps its place among the listings, but no client.
func (g *Gateway) hurryListings() {
	for _, l := range g.reading {
		if x := l.x; x != nil && g.s.Now()-l.begun > int64(listingPatience) {
			x.drop()
			x.busy()
		}
	}
}

// busy answers that the request may succeed if it is made again.
func (x *Exchange) busy() {
	x.answerWith(503, retryAfter)
}

var retryAfter = []byte("Retry-After: 1\r\n")
