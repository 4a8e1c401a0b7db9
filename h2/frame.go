package h2

import "encoding/binary"

// The types of frames (RFC 9113, section 6; RFC 9218, section 7.1). Any other is ignored.
const (
	frameData           = 0x0
	frameHeaders        = 0x1
	framePriority       = 0x2
	frameRSTStream      = 0x3
	frameSettings       = 0x4
	framePushPromise    = 0x5
	framePing           = 0x6
	frameGoAway         = 0x7
	frameWindowUpdate   = 0x8
	frameContinuation   = 0x9
	framePriorityUpdate = 0x10
)

// The flags of frames. What a flag means depends on the type.
const (
	flagAck        = 0x1 // SETTINGS, PING
	flagEndStream  = 0x1 // DATA, HEADERS
	flagEndHeaders = 0x4 // HEADERS, CONTINUATION
	flagPadded     = 0x8 // DATA, HEADERS
	flagPriority   = 0x20
)

// reservedBit is the first bit of stream identifiers and window increments, which means nothing (RFC 9113, section 4.1).
const reservedBit = 1 << 31

// maxWindow is the largest window (RFC 9113, section 6.9.1), and the largest stream identifier.
const maxWindow = 1<<31 - 1

// frame is the header of the frame being received.
type frame struct {
	left  uint32 // what is still to come of the payload, without padding
	id    uint32
	kind  uint8
	flags uint8
	pad   uint8 // padding behind the content
}

func parseFrame(b []byte) frame {
	_ = b[FrameHeader-1]
	return frame{
		left:  uint32(b[0])<<16 | uint32(b[1])<<8 | uint32(b[2]),
		kind:  b[3],
		flags: b[4],
		id:    binary.BigEndian.Uint32(b[5:]) &^ reservedBit,
	}
}

func (f *frame) has(flag uint8) bool { return f.flags&flag != 0 }

// appendFrame appends the header of a frame with a payload of n bytes.
func appendFrame(dst []byte, n int, kind, flags uint8, id uint32) []byte {
	return append(dst, byte(n>>16), byte(n>>8), byte(n), kind, flags, byte(id>>24), byte(id>>16), byte(id>>8), byte(id))
}

// putFrame is appendFrame for a header whose place is there already.
func putFrame(b []byte, n int, kind, flags uint8, id uint32) {
	_ = b[FrameHeader-1]
	b[0], b[1], b[2], b[3], b[4] = byte(n>>16), byte(n>>8), byte(n), kind, flags
	binary.BigEndian.PutUint32(b[5:], id)
}

func appendRST(dst []byte, id uint32, code Code) []byte {
	dst = appendFrame(dst, 4, frameRSTStream, 0, id)
	return binary.BigEndian.AppendUint32(dst, uint32(code))
}

func appendWindowUpdate(dst []byte, id, n uint32) []byte {
	dst = appendFrame(dst, 4, frameWindowUpdate, 0, id)
	return binary.BigEndian.AppendUint32(dst, n)
}

func appendGoAway(dst []byte, last uint32, code Code) []byte {
	dst = appendFrame(dst, 8, frameGoAway, 0, 0)
	dst = binary.BigEndian.AppendUint32(dst, last)
	return binary.BigEndian.AppendUint32(dst, uint32(code))
}
