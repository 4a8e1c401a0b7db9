package h2

import (
	"encoding/base64"

	"github.com/anygate/anygate/h2/hpack"
)

// Preface is what a client sends first (RFC 9113, section 3.4). SETTINGS follow.
const Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

// FrameHeader is the length of a frame's header.
const FrameHeader = 9

// Conn is one connection without its socket. The zero value is closed; Accept, Upgrade or Dial begin one, Close ends
// it. A Conn may be used again then. It must not be copied while it is open.
type Conn struct {
	sc  *Scratch
	cfg *Config
	dec hpack.Decoder
	enc hpack.Encoder

	// What is being received.
	held      []byte // of a header block blockLen bytes, and behind them of a frame's payload what has come
	blockLen  uint32
	blockID   uint32 // the stream of a header block that is to be continued
	frame     frame
	data      uint32 // the stream to which the DATA frame in progress is delivered
	head      [FrameHeader]byte
	headLen   uint8 // bytes of the preface, or of a frame's header, that have come
	step      step
	blockEnd  bool // the block ends the stream
	blockSelf bool // and makes it depend on itself

	// Streams.
	table    []uint32 // by identifier; few is large enough most of the time
	few      [smallestTable]uint32
	first    uint32 // of all
	open     uint32
	highest  uint32 // the last that the peer has opened
	skipped  uint32 // the last identifier that it passed over
	nextID   uint32 // the next that we open
	goAway   uint32 // the last of the peer's that we handle, once we have said so
	peerAway uint32 // the last of ours that the peer handles, once it has said so

	// Windows and settings.
	send        int32  // what may be sent
	recv        int32  // what the peer may send
	pend        uint32 // what was granted and not announced
	peerWindow  uint32 // the send window of a new stream
	maxFrame    uint32
	peerStreams uint32
	flags       connFlags
	unacked     uint8 // settings of ours that the peer has not acknowledged
	pings       uint8 // how many were sent
	pinging     bool  // the answer to the last is still to come

	debt    uint32
	settled int64 // when time last paid

	turns   [rings]uint32 // the last stream of each ring of the schedule
	waiting uint16        // the rings that have a stream

	recentAt  uint8
	recent    [recentResets]uint32
	excuses   uint32 // frames for closed streams that a server is not charged for
	forgotten uint32
	early     [earlyPriorities]early
}

type connFlags uint16

const (
	client       connFlags = 1 << iota // we are the client
	fatal                              // the connection is over
	settingsSeen                       // the peer's first settings have come
	inBlock                            // a header block is to be continued
	starved                            // the connection's window was found to be too small
	sentGoAway                         // we have announced the end
	finalGoAway                        // and named the last stream
	gotGoAway                          // the peer has
	sweeping                           // streams above the last are being reported
	extended                           // the peer takes extended CONNECT
	withheld                           // of the connection's window only earlyContent is open yet
	noPriorities                       // the peer has said that RFC 7540's priorities mean nothing; 1 may not become 0
)

func (f connFlags) has(g connFlags) bool { return f&g != 0 }

// Accept begins the server's end of a connection on which the client's preface comes next (all of it is given to Next).
// Our settings are in Out.
func (c *Conn) Accept(sc *Scratch, cfg *Config) {
	c.start(sc, cfg)
	c.step = stepPreface
	c.announce()
}

// Dial begins the client's end. The preface and our settings are in Out. Streams may be opened at once; until the peer's
// settings have come they are limited to Config.Streams.
func (c *Conn) Dial(sc *Scratch, cfg *Config) {
	c.start(sc, cfg)
	c.flags |= client
	c.step = stepFrame
	c.nextID = 1
	sc.Out = append(sc.Out, Preface...)
	c.announce()
}

// Upgrade begins the server's end of a connection that has spoken HTTP/1.1 until now (RFC 7540, section 3.2). settings is
// the value of the one HTTP2-Settings field. The request that asked for it is stream 1, which is returned, the owner's,
// and has ended on the client's side: content is to be read before the upgrade. Of its response a part may be sent at once, and
// the rest when the client's settings have come. The owner has sent the 101; our settings
// are in Out; the client's preface comes next. It reports nil, and c is closed, if settings is malformed.
func (c *Conn) Upgrade(sc *Scratch, cfg *Config, settings []byte) *Stream {
	var payload [maxSettings * settingSize]byte
	if base64.RawURLEncoding.DecodedLen(len(settings)) > len(payload) {
		return nil
	}
	n, err := base64.RawURLEncoding.Decode(payload[:], settings)
	if err != nil || n%settingSize != 0 {
		return nil
	}
	c.start(sc, cfg)
	if code, _ := c.applySettings(payload[:n]); code != NoError {
		c.Close()
		return nil
	}
	c.step = stepPreface
	c.send = earlyContent
	c.flags |= withheld
	c.announce()
	c.highest = 1
	s := c.begin(1)
	s.flags |= endReceived
	return s
}

// start makes a fresh connection.
func (c *Conn) start(sc *Scratch, cfg *Config) {
	if c.sc != nil {
		panic("h2: the connection is open")
	}
	*c = Conn{
		dec:         c.dec, // for its memory
		sc:          sc,
		cfg:         cfg,
		send:        MinWindow,
		recv:        int32(min(max(cfg.ConnWindow, MinWindow), maxWindow)),
		peerWindow:  MinWindow,
		maxFrame:    minFrameSize,
		peerStreams: cfg.Streams,
		settled:     sc.Now,
		highest:     ^uint32(0), // two below 1, the first
	}
	c.table = c.few[:]
	// Until the peer has acknowledged our settings its table has the default size.
	c.dec.Reset(max(int(cfg.TableSize), hpack.DefaultTableSize))
	c.enc.Reset()
	c.enc.Lend(&sc.memory)
}

// Close forgets everything: all streams that are still there are released, without a word to the peer. It is to be called
// when the connection's socket is gone, or about to be. Closing twice does nothing.
func (c *Conn) Close() {
	if c.sc == nil {
		return
	}
	for c.first != 0 {
		c.end(c.sc.slab.at(c.first))
	}
	c.drop()
	c.enc.Forget()
	*c = Conn{dec: c.dec}
}

// Idle gives back what only speeds up what is sent next: for a connection that has had no streams for a while. It may be
// called at any time.
func (c *Conn) Idle() { c.enc.Forget() }

// Opened reports whether the connection has begun and Close was not called.
func (c *Conn) Opened() bool { return c.sc != nil }

// drop gives back what is held of a frame.
func (c *Conn) drop() {
	if c.held != nil {
		c.sc.free(c.held)
		c.held = nil
	}
	c.blockLen = 0
}

// fail ends the connection: GOAWAY goes to Out, the event tells the owner.
func (c *Conn) fail(ev *Event, code Code, reason string) {
	c.flags |= fatal
	c.step = stepDead
	c.drop()
	st := &c.sc.Stats
	st.Fatal++
	if code == EnhanceYourCalm {
		st.Calm++
	}
	c.sc.Out = appendGoAway(c.sc.Out, c.lastHandled(), code)
	ev.Kind, ev.Code, ev.Stream, ev.Reason = EventFatal, code, nil, reason
}

// lastHandled is the last stream of the peer's that may have been acted upon.
func (c *Conn) lastHandled() uint32 {
	if c.highest == ^uint32(0) || c.flags.has(client) {
		return 0
	}
	if c.flags.has(finalGoAway) {
		return min(c.goAway, c.highest)
	}
	return c.highest
}

// cost charges the peer, and ends the connection if that is too much: false.
func (c *Conn) cost(ev *Event, points uint32, reason string) bool {
	if c.charge(points) {
		return true
	}
	c.fail(ev, EnhanceYourCalm, reason)
	return false
}

// idle reports whether a stream has not begun (RFC 9113, section 5.1).
func (c *Conn) idle(id uint32) bool {
	switch {
	case c.flags.has(client):
		return id&1 == 0 || id >= c.nextID
	case c.highest == ^uint32(0):
		return true
	}
	return id&1 == 0 || id > c.highest
}

// Open begins a stream of a client, to be followed by AppendRequest before any other is opened. It returns nil if there
// may be no more at the moment (CanOpen). head says that the request's method is HEAD, so that the response's
// Content-Length counts nothing.
func (c *Conn) Open(head bool) *Stream {
	if c.CanOpen() == 0 {
		return nil
	}
	s := c.begin(c.nextID)
	c.nextID += 2
	if head {
		s.flags |= methodHead
	}
	return s
}

// CanOpen is how many streams may be opened now: 0 at the limit of either end, after GOAWAY of either end, and when
// identifiers have run out.
func (c *Conn) CanOpen() int {
	if c.flags&(sentGoAway|gotGoAway|fatal) != 0 || !c.flags.has(client) {
		return 0
	}
	left := int64(maxWindow-c.nextID)/2 + 1
	if c.nextID > maxWindow {
		left = 0
	}
	return int(max(0, min(int64(c.cfg.Streams)-int64(c.open), int64(c.peerStreams)-int64(c.open), left)))
}

// ExtendedConnect reports whether the peer, a server, has announced RFC 8441.
func (c *Conn) ExtendedConnect() bool { return c.flags.has(extended) }

// PeerStreams is the peer's limit for streams of ours.
func (c *Conn) PeerStreams() uint32 { return c.peerStreams }

// SettingsSeen reports whether the peer's settings have come, SettingsAcked whether it has acknowledged ours; a timer of
// the owner's watches that (SETTINGS_TIMEOUT).
func (c *Conn) SettingsSeen() bool { return c.flags.has(settingsSeen) }

// SettingsAcked reports whether the peer has acknowledged our settings.
func (c *Conn) SettingsAcked() bool { return c.unacked == 0 }

// Draining reports whether either end has sent GOAWAY.
func (c *Conn) Draining() bool { return c.flags&(sentGoAway|gotGoAway|fatal) != 0 }
