package h2

// A priority (RFC 9218, section 4) is kept in one byte: the urgency, and two flags.
const (
	urgencyMask     = 7
	incrementalFlag = 1 << 3 // the stream shares its turn with others
	signalledFlag   = 1 << 4 // the client has said so

	// defaultPriority is that of a stream of which the client has said nothing. RFC 9218 would have it not be
	// incremental: one response after the other. That suits those who know that they can choose; for the others,
	// gRPC among them, a stream that never ends must not hold up what comes after it.
	defaultPriority = 3 | incrementalFlag
)

// Priority is the stream's urgency, 0 (first) to 7, and whether it shares its turn with others of the same urgency
// (RFC 9218, section 4).
func (s *Stream) Priority() (urgency uint8, incremental bool) {
	return s.priority & urgencyMask, s.priority&incrementalFlag != 0
}

// Prioritise changes the priority of a stream as value, the value of a priority field, says: that of the request, or of
// the response of an origin (RFC 9218, section 8). What it does not mention remains. The codec itself heeds the request's
// and PRIORITY_UPDATE.
func (c *Conn) Prioritise(s *Stream, value []byte) {
	c.setPriority(s, mergePriority(s.priority, value))
}

func (c *Conn) setPriority(s *Stream, priority uint8) {
	if s.priority == priority {
		return
	}
	waiting := s.flags.has(queued)
	c.unready(s)
	s.priority = priority
	if waiting {
		c.Ready(s)
	}
}

// mergePriority reads the value of a priority field, a dictionary of structured fields (RFC 8941, section 3.2) of which
// the members u and i mean something. A value that is not well formed is ignored as a whole; members that have the
// wrong type or are out of range are ignored (RFC 9218, section 4).
func mergePriority(priority uint8, value []byte) uint8 {
	if priority&signalledFlag == 0 {
		// From here on what is not said has the default of RFC 9218.
		priority = priority&urgencyMask | signalledFlag
	}
	was := priority
	p := sfParser{b: value}
	p.spaces()
	for p.i < len(p.b) {
		key := p.key()
		if key == nil {
			return was
		}
		item, ok := p.member()
		if !ok {
			return was
		}
		if len(key) == 1 {
			switch {
			case key[0] == 'u' && item.kind == sfInteger && item.value >= 0 && item.value <= 7:
				priority = priority&^urgencyMask | uint8(item.value)
			case key[0] == 'i' && item.kind == sfBoolean:
				priority &^= incrementalFlag
				if item.value != 0 {
					priority |= incrementalFlag
				}
			}
		}
		p.blanks()
		if p.i == len(p.b) {
			break
		}
		if p.b[p.i] != ',' {
			return was
		}
		p.i++
		p.blanks()
		if p.i == len(p.b) {
			return was // a comma at the end
		}
	}
	return priority
}

// early is a PRIORITY_UPDATE for a stream that has not begun: the identifier, and the priority above it.
type early uint64

func (e early) id() uint32      { return uint32(e) }
func (e early) priority() uint8 { return uint8(e >> 32) }

// priorityUpdate handles the payload of PRIORITY_UPDATE (RFC 9218, section 7.1).
func (c *Conn) priorityUpdate(id uint32, value []byte) {
	if s := c.lookup(id); s != nil {
		c.setPriority(s, mergePriority(s.priority, value))
		return
	}
	if !c.idle(id) {
		return
	}
	e := early(mergePriority(defaultPriority, value))<<32 | early(id)
	for i := range c.early {
		if c.early[i].id() == id {
			c.early[i] = early(mergePriority(c.early[i].priority(), value))<<32 | early(id)
			return
		}
	}
	copy(c.early[1:], c.early[:])
	c.early[0] = e
}

// takeEarly gives a new stream the priority that came before it. It is more recent than that of the head, wherever the
// head has one.
func (c *Conn) takeEarly(s *Stream) bool {
	for i := range c.early {
		if c.early[i].id() == s.ID {
			s.priority = c.early[i].priority()
			c.early[i] = 0
			return true
		}
	}
	return false
}
