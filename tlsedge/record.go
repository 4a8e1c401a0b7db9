package tlsedge

import (
	"crypto/cipher"
	"encoding/binary"
	"math"
)

// The types of records, and their sizes (RFC 8446, section 5).
const (
	typeChangeCipherSpec = 20
	typeAlert            = 21
	typeHandshake        = 22
	typeApplicationData  = 23

	recordHead      = 5
	recordContent   = 1 << 14
	recordCipher    = recordContent + 256
	recordTag       = 16 // of all ciphers of TLS 1.3
	recordLeast     = recordTag + 1
	recordOverhead  = recordHead + recordLeast
	typeKeyUpdate   = 24
	keyUpdateLength = 5
)

// half is one direction of a connection's records.
type half struct {
	aead   cipher.AEAD // nil while the connection rests
	seq    uint64
	left   uint64   // so many records the key may still be used for
	nonce  [12]byte // the initialization vector, with seq in it while a record is made
	key    [maxKey]byte
	secret [maxSecret]byte
}

// enter puts the number of the next record into the initialization vector, leave
// takes it out again (RFC 8446, section 5.3). A nonce of its own would have to be
// allocated, because it goes to a method of an interface.
func (h *half) enter() { h.mask() }

func (h *half) leave() {
	h.mask()
	h.seq++
}

func (h *half) mask() {
	n := h.nonce[len(h.nonce)-8:]
	binary.BigEndian.PutUint64(n, binary.BigEndian.Uint64(n)^h.seq)
}

// layer is the record layer of a TLS 1.3 connection.
type layer struct {
	suite  *suite
	tx, rx half

	hand    [keyUpdateLength]byte // of a handshake message that has begun
	handed  uint8
	useless uint8 // records without content that have followed each other
	update  bool  // a KeyUpdate is to be sent
}

// start begins with the secrets of a handshake.
func (l *layer) start(s *suite, send, receive []byte) {
	l.suite = s
	copy(l.tx.secret[:], send)
	copy(l.rx.secret[:], receive)
	s.key(&l.tx)
	s.key(&l.rx)
}

// rest drops the key schedules, which take much more room than the secrets they
// are made of; wake makes them anew.
func (l *layer) rest() { l.tx.aead, l.rx.aead = nil, nil }

func (l *layer) wake(h *half) {
	if h.aead == nil {
		l.suite.schedule(h)
	}
}

// seal makes a record of the n bytes at dst[recordHead:], in place.
func (l *layer) seal(dst []byte, n int, kind byte) int {
	return l.sealOf(dst, dst[recordHead:recordHead+n], kind)
}

// sealOf makes a record of content, which lies at dst[recordHead:] or elsewhere. The
// type goes to the byte behind it, because ciphers take what they encrypt in one
// piece.
func (l *layer) sealOf(dst, content []byte, kind byte) int {
	l.wake(&l.tx)
	n := len(content)
	m := n + recordLeast
	_ = dst[recordHead+m-1]
	dst[0], dst[1], dst[2], dst[3], dst[4] = typeApplicationData, 3, 3, byte(m>>8), byte(m)
	content = content[:n+1]
	content[n] = kind
	l.tx.enter()
	l.tx.aead.Seal(dst[recordHead:recordHead], l.tx.nonce[:], content, dst[:recordHead])
	l.tx.leave()
	if l.tx.left--; l.tx.left == 0 {
		l.update = true
	}
	return recordHead + m
}

// recordLength is how many bytes the record takes that begins with b, which has
// at least recordHead bytes. Below 0 it is the alert for one that is too long.
func recordLength(b []byte) int {
	n := int(binary.BigEndian.Uint16(b[3:]))
	if n > recordCipher {
		return -alertRecordOverflow
	}
	return recordHead + n
}

// open decrypts a whole record in place. It returns the content, its type, and an
// alert, 0 if all is well.
func (l *layer) open(record []byte) (content []byte, kind byte, alert uint8) {
	if record[0] != typeApplicationData {
		// After the handshake everything is encrypted; a change_cipher_spec, which
		// means nothing, may come before its end only (RFC 8446, section 5).
		return nil, 0, alertUnexpectedMessage
	}
	if len(record) < recordHead+recordLeast {
		return nil, 0, alertBadRecordMAC
	}
	if l.rx.seq == math.MaxUint64 {
		return nil, 0, alertInternalError
	}
	l.wake(&l.rx)
	l.rx.enter()
	p, err := l.rx.aead.Open(record[recordHead:recordHead], l.rx.nonce[:], record[recordHead:], record[:recordHead])
	l.rx.leave()
	if err != nil {
		return nil, 0, alertBadRecordMAC
	}
	if len(p) > recordContent+1 {
		return nil, 0, alertRecordOverflow
	}
	// The type is the last byte that is not padding.
	i := len(p) - 1
	for i >= 0 && p[i] == 0 {
		i--
	}
	if i < 0 {
		return nil, 0, alertUnexpectedMessage
	}
	return p[:i], p[i], 0
}

// take handles the content of a record. What is left is content of the application's;
// closed says that the peer will send no more of it. err is of the type sentAlert
// if the peer has to be told.
func (l *layer) take(content []byte, kind byte) (data []byte, closed bool, err error) {
	if l.handed > 0 && kind != typeHandshake {
		return nil, false, sentAlert(alertUnexpectedMessage)
	}
	switch kind {
	case typeApplicationData:
		if len(content) > 0 {
			l.useless = 0
			return content, false, nil
		}
	case typeHandshake:
		if alert := l.handshake(content); alert != 0 {
			return nil, false, sentAlert(alert)
		}
		if l.handed > 0 {
			return nil, false, nil // a message has at most as many pieces as bytes
		}
	case typeAlert:
		switch {
		case len(content) != 2:
			return nil, false, sentAlert(alertDecodeError)
		case content[1] == alertCloseNotify:
			return nil, true, nil
		case content[1] != alertUserCanceled:
			return nil, false, gotAlert(content[1])
		}
	default:
		return nil, false, sentAlert(alertUnexpectedMessage)
	}
	if l.useless++; l.useless > uselessMost {
		return nil, false, sentAlert(alertUnexpectedMessage)
	}
	return nil, false, nil
}

// handshake takes a piece of a handshake message. Clients may send none but
// KeyUpdate (RFC 8446, section 4.6): tickets are for them, and certificates are not
// asked for later. It returns an alert.
func (l *layer) handshake(p []byte) uint8 {
	if len(p) == 0 {
		return alertUnexpectedMessage
	}
	n := copy(l.hand[l.handed:], p)
	l.handed += uint8(n)
	switch {
	case l.hand[0] != typeKeyUpdate:
		return alertUnexpectedMessage
	case l.handed >= 4 && (l.hand[1] != 0 || l.hand[2] != 0 || l.hand[3] != 1):
		return alertDecodeError
	case l.handed < keyUpdateLength:
		return 0
	case n < len(p):
		// The key changes behind the message, so that nothing may follow it in
		// the same record (section 5.1).
		return alertUnexpectedMessage
	}
	l.handed = 0
	switch l.hand[4] {
	case 0:
	case 1:
		l.update = true
	default:
		return alertIllegalParameter
	}
	l.suite.update(&l.rx)
	return 0
}

// sealUpdate makes the record of a KeyUpdate, and goes on with the next key.
func (l *layer) sealUpdate(dst []byte) int {
	copy(dst[recordHead:], []byte{typeKeyUpdate, 0, 0, 1, 0})
	m := l.seal(dst, keyUpdateLength, typeHandshake)
	l.suite.update(&l.tx)
	l.update = false
	return m
}

// sealAlert makes the record of an alert.
func (l *layer) sealAlert(dst []byte, level, alert uint8) int {
	dst[recordHead], dst[recordHead+1] = level, alert
	return l.seal(dst, 2, typeAlert)
}
