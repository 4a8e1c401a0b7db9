package gateway

import (
	"bytes"

	"github.com/anygate/anygate/http1"
	"github.com/anygate/anygate/static/coding"
	"github.com/anygate/anygate/static/encoder"
)

// coder codes the content of a proxied response as it passes by. That is done
// on the shard, a piece of received content at a time, with settings that make
// it a matter of microseconds for a KiB: to hand pieces to others and back
// would cost as much for most responses.
type coder struct {
	stream encoder.Stream
	coding coding.Coding
	whole  bool // the length is known, so that it will not be long in coming
	plain  bool // the client asks whether it has the response, and has it as it was
}

// sink takes what streams write. Only one of them does at a time, and what it
// has written is sent before another does.
type sink struct{ b []byte }

func (s *sink) Write(p []byte) (int, error) {
	s.b = append(s.b, p...)
	return len(p), nil
}

// admitCoding remembers the coding that the client likes best.
func (x *Exchange) admitCoding(h *http1.Request) {
	if !h.Has(http1.AcceptEncoding) {
		return
	}
	p := coding.Parse(x.g.joined(h, http1.AcceptEncoding))
	if c := p.Choose(encoder.Streamed); c != coding.Identity {
		r := x.remember()
		r.coder.coding, r.coder.plain = c, x.hasPlain(h)
	}
}

// hasPlain reports whether all of the entity tags that the request is conditional on
// are strong. A coded response never had one of these.
func (x *Exchange) hasPlain(h *http1.Request) bool {
	if !h.Has(http1.IfNoneMatch) {
		return false
	}
	for tags := x.g.joined(h, http1.IfNoneMatch); len(tags) > 0; {
		var tag []byte
		if tag, tags = http1.NextItem(tags); len(tag) > 0 && tag[0] != '"' {
			return false
		}
	}
	return true
}

// recoded are the fields of a response that are about its content as it was.
var recoded = func() (e http1.Edits) {
	for _, name := range []string{"ETag", "Accept-Ranges", "Content-MD5", "Content-Digest", "Repr-Digest", "Digest"} {
		e.Remove(name)
	}
	return e
}()

// code makes the response one with coded content, if it is worth it and the
// client can decode it. Block is rewritten in a place of the gateway's.
func (x *Exchange) code(r *Response) {
	g := x.g
	if !codable(r) {
		return
	}
	// Another client may get the other form.
	b := append(append(g.fields[:0], r.Block...), "Vary: Accept-Encoding\r\n"...)
	g.fields, r.Block = b, b
	rules := x.policy.rules
	if rules == nil || rules.coder.coding == coding.Identity || x.HEAD() {
		return
	}
	c := &rules.coder
	if r.Status == 304 {
		// There is no content, so its length is 0 to some upstreams.
		if !c.plain && (r.Length <= 0 || r.Length >= coding.Least) {
			r.Length = -1
			g.recode(r)
		}
		return
	}
	if r.Length >= 0 && r.Length < coding.Least {
		return
	}
	g.sink.b = g.sink.b[:0]
	if c.stream = g.streams().Get(c.coding, &g.sink); c.stream == nil {
		return // too many have one: this one goes as it is
	}
	c.whole = r.Length >= 0
	r.Length = -1
	g.recode(r)
	b = http1.AppendField(g.fields, "Content-Encoding", c.coding.String())
	g.fields, r.Block = b, b
}

// recode takes out of the gateway's copy of a block what is about other bytes than
// those of the coded content, and makes the entity tag a weak one.
func (g *Gateway) recode(r *Response) {
	tag := append(g.list[:0], weakTag(g.fields)...)
	g.list = tag
	b := recoded.Apply(g.fields, 0)
	if len(tag) > 0 {
		b = append(append(append(b, "ETag: W/"...), tag...), http1.CRLF...)
	}
	g.fields, r.Block = b, b
}

// codable reports whether a response may be coded: it is whole, of a type that
// gets smaller, and neither coded already nor meant to stay as it is (RFC 9110,
// section 7.7). A 304 is taken for what the 200 would have been (section 15.4.5):
// most do not say of which type that is, and then it may have been coded.
func codable(r *Response) bool {
	compressible := r.Status == 304
	switch {
	case compressible:
	case r.Status == 204, r.Status == 205, r.Status == 206, r.Status >= 300 && r.Status < 400:
		return false
	}
	for block := r.Block; len(block) > 0; {
		var name, value []byte
		name, value, block = nextLine(block)
		switch {
		case http1.EqualFold(name, "content-encoding"), http1.EqualFold(name, "content-range"):
			return false
		case http1.EqualFold(name, "cache-control"):
			if hasMember(value, "no-transform") {
				return false
			}
		case http1.EqualFold(name, "content-type"):
			media, _, _ := bytes.Cut(value, []byte(";"))
			compressible = coding.Compressible(string(media))
		}
	}
	return compressible
}

// nextLine cuts the first field line off a block.
func nextLine(block []byte) (name, value, rest []byte) {
	line := block
	if end := bytes.IndexByte(block, '\n'); end >= 0 {
		line, rest = block[:end], block[end+1:]
	}
	name, value, _ = bytes.Cut(line, []byte(":"))
	return name, bytes.Trim(value, " \t\r"), rest
}

// weakTag is the entity tag among some field lines, without the mark of a weak
// one, which it is once the bytes are others (RFC 9110, section 8.8.3.3).
func weakTag(block []byte) []byte {
	for len(block) > 0 {
		var name, value []byte
		if name, value, block = nextLine(block); http1.EqualFold(name, "etag") {
			return bytes.TrimPrefix(value, weakMark)
		}
	}
	return nil
}

var weakMark = []byte("W/")

func hasMember(list []byte, lower string) bool {
	for len(list) > 0 {
		var item []byte
		if item, list = http1.NextItem(list); http1.EqualFold(item, lower) {
			return true
		}
	}
	return false
}

func (g *Gateway) streams() *encoder.Streams {
	if g.coders == nil {
		g.coders = encoder.NewStreams(codedStreams)
	}
	return g.coders
}

// coded sends content in its coded form. Where it is not known how long it
// takes until more comes, the client gets all that there is, so that events
// arrive when they happen.
func (x *Exchange) coded(c *coder, p []byte) {
	g := x.g
	g.sink.b = g.sink.b[:0]
	_, _ = c.stream.Write(p) // the sink takes everything
	if !c.whole {
		_ = c.stream.Flush()
	}
	if len(g.sink.b) > 0 {
		x.codec.Content(x, g.sink.b)
	}
}

// codedEnd sends the rest of it.
func (x *Exchange) codedEnd(c *coder) {
	g := x.g
	g.sink.b = g.sink.b[:0]
	_ = c.stream.Close()
	if len(g.sink.b) > 0 {
		x.codec.Content(x, g.sink.b)
	}
	x.dropCoder()
}

// coder is what codes the response, nil if nothing does.
func (x *Exchange) coder() *coder {
	if r := x.policy.rules; r != nil && r.coder.stream != nil {
		return &r.coder
	}
	return nil
}

func (x *Exchange) dropCoder() {
	if c := x.coder(); c != nil {
		x.g.coders.Put(c.coding, c.stream)
		c.stream = nil
	}
}

// mayCode reports whether the route's policy wants responses to be coded.
func (x *Exchange) mayCode() bool {
	p := x.policies()
	return p != nil && p.Compress
}
