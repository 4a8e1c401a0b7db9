package h2

import (
	"encoding/binary"
	"math"

	"github.com/anygate/anygate/h2/hpack"
)

// The settings (RFC 9113, section 6.5.2; RFC 8441, section 3; RFC 9218, section 2.1). Others are ignored.
const (
	settingHeaderTableSize  = 0x1
	settingEnablePush       = 0x2
	settingMaxStreams       = 0x3
	settingInitialWindow    = 0x4
	settingMaxFrameSize     = 0x5
	settingMaxHeaderList    = 0x6
	settingExtendedConnect  = 0x8
	settingNoRFC7540Streams = 0x9
)

// settingSize is what a setting takes up.
const settingSize = 6

// The bounds of SETTINGS_MAX_FRAME_SIZE, of which the lower is the initial value.
const (
	minFrameSize = 1 << 14
	maxFrameSize = 1<<24 - 1
)

// announce sends our settings, and opens the connection's window to what is configured.
func (c *Conn) announce() {
	cfg := c.cfg
	b := c.sc.Out
	start := len(b)
	b = append(b, make([]byte, FrameHeader)...)
	if cfg.TableSize != hpack.DefaultTableSize {
		b = appendSetting(b, settingHeaderTableSize, cfg.TableSize)
	}
	if c.flags.has(client) {
		b = appendSetting(b, settingEnablePush, 0)
	} else {
		b = appendSetting(b, settingMaxStreams, cfg.Streams)
		b = appendSetting(b, settingNoRFC7540Streams, 1)
		if cfg.ExtendedConnect {
			b = appendSetting(b, settingExtendedConnect, 1)
		}
	}
	if cfg.Window != MinWindow {
		b = appendSetting(b, settingInitialWindow, cfg.Window)
	}
	if cfg.FrameSize > minFrameSize {
		b = appendSetting(b, settingMaxFrameSize, cfg.FrameSize)
	}
	b = appendSetting(b, settingMaxHeaderList, uint32(cfg.HTTP.HeadBytes))
	putFrame(b[start:], len(b)-start-FrameHeader, frameSettings, 0, 0)
	if c.recv > MinWindow {
		b = appendWindowUpdate(b, 0, uint32(c.recv)-MinWindow)
	}
	c.sc.Out = b
	c.unacked = 1
}

func appendSetting(dst []byte, id uint16, value uint32) []byte {
	dst = binary.BigEndian.AppendUint16(dst, id)
	return binary.BigEndian.AppendUint32(dst, value)
}

// admitSettings checks the header of SETTINGS (RFC 9113, section 6.5).
func (c *Conn) admitSettings(ev *Event) {
	f := &c.frame
	switch {
	case f.id != 0:
		c.fail(ev, ProtocolError, "settings_on_stream")
	case f.left%settingSize != 0, f.has(flagAck) && f.left != 0:
		c.fail(ev, FrameSizeError, "bad_frame_size")
	case f.left > maxSettings*settingSize:
		c.fail(ev, EnhanceYourCalm, "too_many_settings")
	}
}

// settings handles SETTINGS.
func (c *Conn) settings(b []byte, ev *Event) {
	if c.frame.has(flagAck) {
		if c.unacked > 0 {
			c.unacked--
			if c.cfg.TableSize < hpack.DefaultTableSize {
				c.dec.SetMaxTableSize(int(c.cfg.TableSize))
			}
			return
		}
		c.cost(ev, costFrame, "useless_frames")
		return
	}
	if !c.cost(ev, costSettings+uint32(len(b)/settingSize), "settings_flood") {
		return
	}
	if code, reason := c.applySettings(b); code != NoError {
		c.fail(ev, code, reason)
		return
	}
	if !c.cost(ev, 0, "settings_flood") {
		return
	}
	c.flags |= settingsSeen
	if c.flags.has(withheld) {
		// The event is that of a window that opens.
		c.flags &^= withheld | starved
		c.send += MinWindow - earlyContent
	}
	c.sc.Out = appendFrame(c.sc.Out, 0, frameSettings, flagAck, 0)
	ev.Kind, ev.Stream = EventSettings, nil
}

// applySettings takes over the peer's settings, in their order.
func (c *Conn) applySettings(b []byte) (code Code, reason string) {
	for ; len(b) >= settingSize; b = b[settingSize:] {
		id, v := binary.BigEndian.Uint16(b), binary.BigEndian.Uint32(b[2:])
		switch id {
		case settingHeaderTableSize:
			c.debt += costTableSize
			c.enc.SetMaxTableSize(int(min(v, maxTable)))
		case settingEnablePush:
			if v > 1 || v == 1 && c.flags.has(client) {
				return ProtocolError, "bad_setting_enable_push"
			}
		case settingMaxStreams:
			c.peerStreams = v
		case settingInitialWindow:
			if v > maxWindow {
				return FlowControlError, "bad_setting_initial_window"
			}
			if !c.changeWindows(int64(v) - int64(c.peerWindow)) {
				return FlowControlError, "window_overflow"
			}
			c.peerWindow = v
		case settingMaxFrameSize:
			if v < minFrameSize || v > maxFrameSize {
				return ProtocolError, "bad_setting_max_frame_size"
			}
			c.maxFrame = v
		case settingExtendedConnect:
			if v > 1 || v == 0 && c.flags.has(extended) {
				return ProtocolError, "bad_setting_connect_protocol"
			}
			if v == 1 {
				c.flags |= extended
			}
		case settingNoRFC7540Streams:
			if v > 1 || c.flags.has(settingsSeen) && (v == 1) != c.flags.has(noPriorities) {
				return ProtocolError, "bad_setting_no_priorities"
			}
			if v == 1 {
				c.flags |= noPriorities
			}
		}
	}
	return NoError, ""
}

// changeWindows applies a new SETTINGS_INITIAL_WINDOW_SIZE to the open streams (RFC 9113, section 6.9.2).
func (c *Conn) changeWindows(delta int64) bool {
	if delta == 0 {
		return true
	}
	c.debt += c.open
	for s := c.First(); s != nil; s = c.After(s) {
		send := int64(s.send) + delta
		if send > maxWindow {
			return false
		}
		s.send = int32(max(send, math.MinInt32))
		c.reopened(s)
	}
	return true
}
