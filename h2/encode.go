package h2

import (
	"github.com/anygate/anygate/h2/hpack"
	"github.com/anygate/anygate/http1"
)

func (c *Conn) appendResponseBlock(dst []byte, h *ResponseHead) []byte {
	e := &c.enc
	dst = e.AppendStatus(e.Begin(dst), h.Status)
	if h.Server != nil {
		dst = e.AppendKnown(dst, http1.Server, h.Server)
	}
	if h.Date != nil {
		dst = e.AppendKnown(dst, http1.Date, h.Date)
	}
	dst = e.AppendBlock(dst, h.Block)
	dst = e.AppendBlock(dst, h.More)
	if h.Length >= 0 {
		dst = e.AppendContentLength(dst, h.Length)
	}
	return dst
}

func (c *Conn) appendRequestBlock(dst []byte, h *RequestHead) []byte {
	e := &c.enc
	dst = e.AppendPseudo(e.Begin(dst), http1.PseudoMethod, h.Method)
	// CONNECT has an authority only (RFC 9113, section 8.5), unless it is an extended one (RFC 8441, section 4).
	whole := h.Protocol != nil || http1.LookupMethod(h.Method) != http1.CONNECT
	if whole {
		dst = e.AppendPseudo(dst, http1.PseudoScheme, h.Scheme)
	}
	if h.Authority != nil {
		dst = e.AppendPseudo(dst, http1.PseudoAuthority, h.Authority)
	}
	if whole {
		dst = e.AppendPseudo(dst, http1.PseudoPath, h.Path)
	}
	if h.Protocol != nil {
		dst = e.AppendPseudo(dst, http1.PseudoProtocol, h.Protocol)
	}
	dst = e.AppendBlock(dst, h.Block)
	if h.Length >= 0 {
		dst = e.AppendContentLength(dst, h.Length)
	}
	return dst
}

func (c *Conn) appendTrailerBlock(dst, lines []byte) []byte {
	return c.enc.AppendBlock(c.enc.Begin(dst), lines)
}

// dateLength is the length of a date (RFC 9110, section 5.6.7).
const dateLength = len("Mon, 02 Jan 2006 15:04:05 GMT")

// dateLiteral is what precedes the bytes of a date: a literal that is not remembered, with the name of entry 33 of the static
// table, and a string that is not Huffman coded.
var dateLiteral = []byte{0x0f, 33 - 0x0f, byte(dateLength)}

// AppendBlock appends the header block of a response in a form that does not depend on a connection, for AppendEncoded.
// date is the index in the result of the 29 bytes of the date, which can be replaced by those of another; -1 if h has none.
func AppendBlock(dst []byte, h *ResponseHead) (block []byte, date int) {
	var e *hpack.Encoder // without a table
	date = -1
	dst = e.AppendStatus(dst, h.Status)
	if h.Server != nil {
		dst = e.AppendKnown(dst, http1.Server, h.Server)
	}
	if h.Date != nil {
		if len(h.Date) != dateLength {
			panic("h2: a date of another length")
		}
		dst = append(dst, dateLiteral...)
		date = len(dst)
		dst = append(dst, h.Date...)
	}
	dst = e.AppendBlock(dst, h.Block)
	dst = e.AppendBlock(dst, h.More)
	if h.Length >= 0 {
		dst = e.AppendContentLength(dst, h.Length)
	}
	return dst, date
}

// AppendLines appends field lines in the same form, to go behind such a block.
func AppendLines(dst, lines []byte) []byte {
	var e *hpack.Encoder
	return e.AppendBlock(dst, lines)
}
