package destination

import (
	"bytes"
	"errors"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// patience bounds the time that a connection to a syslog server, or a write to it, may take.
	patience = 5 * time.Second

	// batchBytes is how much is sent over TCP at once.
	batchBytes = 64 << 10

	// shortLine is what a message is cut to that its socket finds too long.
	shortLine = 1 << 10

	// facility is that of system daemons (RFC 5424, section 6.2.1).
	facility = 3
)

// Kind says which messages a Syslog sends.
type Kind struct {
	// ID is the MSGID of them all.
	ID string
	// Levels says that lines begin with their time and level, which become part of the header. The severity of others
	// is informational.
	Levels bool
}

// Syslog sends each line as a message of RFC 5424: as a datagram to a unix socket or over UDP (RFC 5426), or over TCP with
// its length before it (RFC 6587, section 3.4.1).
type Syslog struct {
	network, addr string
	kind          Kind
	tail          []byte // of a header, from behind the time
	conn          net.Conn
	now           func() time.Time

	buf  []byte
	ends []int // where each message of buf ends
	lens []int // how long the line of each message is
}

// DevLog is the socket of this machine's syslog.
const DevLog = "/dev/log"

// NewSyslog makes a destination of "syslog", "syslog:PATH", "syslog://HOST:PORT" or "syslog+tcp://HOST:PORT". The server is
// connected to with the first line.
func NewSyslog(to string, kind Kind) *Syslog {
	s := &Syslog{kind: kind, now: time.Now}
	switch scheme, rest, _ := strings.Cut(to, ":"); {
	case rest == "":
		s.network, s.addr = "unixgram", DevLog
	case scheme == "syslog+tcp":
		s.network, s.addr = "tcp", strings.TrimPrefix(rest, "//")
	case strings.HasPrefix(rest, "//"):
		s.network, s.addr = "udp", strings.TrimPrefix(rest, "//")
	default:
		s.network, s.addr = "unixgram", rest
	}
	host, err := os.Hostname()
	if err != nil || !printable(host, 255) {
		host = "-"
	}
	s.tail = []byte(" " + host + " anygate " + strconv.Itoa(os.Getpid()) + " " + kind.ID + " - ")
	return s
}

// printable reports whether a value may stand in a header: PRINTUSASCII, of a bounded length.
func printable(v string, most int) bool {
	return v != "" && len(v) <= most && strings.IndexFunc(v, func(r rune) bool { return r <= ' ' || r > '~' }) < 0
}

// Write sends whole lines. It says how many bytes of p belong to messages that were sent.
func (s *Syslog) Write(p []byte) (n int, err error) {
	if s.conn != nil && s.gone() {
		_ = s.lose(nil)
	}
	if s.conn == nil {
		if s.conn, err = net.DialTimeout(s.network, s.addr, patience); err != nil {
			s.conn = nil
			return 0, err
		}
	}
	// Once for all: a server that takes its time holds up this goroutine, and no other.
	if err := s.conn.SetWriteDeadline(s.now().Add(patience)); err != nil {
		return 0, s.lose(err)
	}
	for n < len(p) && err == nil {
		var k int
		if s.network == "tcp" {
			k, err = s.sendBatch(p[n:])
		} else {
			k, err = s.sendOne(p[n:])
		}
		n += k
	}
	if err != nil {
		return n, s.lose(err)
	}
	return n, nil
}

// gone reports whether the server has ended the connection: the kernel would take one more write, and lose it.
func (s *Syslog) gone() bool {
	c, ok := s.conn.(*net.TCPConn)
	if !ok {
		return false
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return true
	}
	ended := false
	err = raw.Control(func(fd uintptr) {
		var b [1]byte
		n, _, err := unix.Recvfrom(int(fd), b[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
		ended = n == 0 && err == nil || err != nil && !errors.Is(err, unix.EAGAIN)
	})
	return ended || err != nil
}

// lose gives up the connection, so that the next Write makes another one.
func (s *Syslog) lose(err error) error {
	s.conn.Close()
	s.conn = nil
	return err
}

// Close ends the connection.
func (s *Syslog) Close() error {
	if s.conn == nil {
		return nil
	}
	return s.conn.Close()
}

// firstLine is the length of the line that p begins with, and the line without its newline.
func firstLine(p []byte) (n int, line []byte) {
	if i := bytes.IndexByte(p, '\n'); i >= 0 {
		return i + 1, p[:i]
	}
	return len(p), p
}

// sendOne sends the first line as a datagram.
func (s *Syslog) sendOne(p []byte) (int, error) {
	n, line := firstLine(p)
	s.buf = s.appendMessage(s.buf[:0], line)
	_, err := s.conn.Write(s.buf)
	if errors.Is(err, unix.EMSGSIZE) && len(s.buf) > shortLine {
		_, err = s.conn.Write(s.buf[:shortLine])
	}
	if err != nil {
		return 0, err
	}
	return n, nil
}

// sendBatch sends as many of the first lines as one write may hold.
func (s *Syslog) sendBatch(p []byte) (n int, err error) {
	s.buf, s.ends, s.lens = s.buf[:0], s.ends[:0], s.lens[:0]
	for at := 0; at < len(p) && len(s.buf) < batchBytes; {
		k, line := firstLine(p[at:])
		// The length is known when the message is written, and stands before it.
		begin := len(s.buf)
		const room = 8
		s.buf = append(s.buf, "        "...)
		s.buf = s.appendMessage(s.buf, line)
		var digits [room]byte
		length := append(strconv.AppendInt(digits[:0], int64(len(s.buf)-begin-room), 10), ' ')
		copy(s.buf[begin:], length)
		s.buf = append(s.buf[:begin+len(length)], s.buf[begin+room:]...)
		s.ends, s.lens = append(s.ends, len(s.buf)), append(s.lens, k)
		at += k
	}
	written, err := s.conn.Write(s.buf)
	for i, end := range s.ends {
		if end > written {
			break
		}
		n += s.lens[i]
	}
	return n, err
}

// appendMessage appends a message: <PRI>1 TIME HOST APP PROCID MSGID - TEXT.
func (s *Syslog) appendMessage(dst, line []byte) []byte {
	severity, text := 6, line
	if s.kind.Levels {
		severity, text = split(line)
	}
	dst = append(dst, '<')
	dst = strconv.AppendInt(dst, int64(facility*8+severity), 10)
	dst = append(dst, ">1 "...)
	dst = s.now().UTC().AppendFormat(dst, "2006-01-02T15:04:05.000000Z")
	dst = append(dst, s.tail...)
	return append(dst, text...)
}

var severities = map[string]int{"error": 3, "warn": 4, "info": 6, "debug": 7}

// split takes the level of a line, and what is behind it. A line that does not begin as expected is taken whole.
func split(line []byte) (severity int, text []byte) {
	_, rest, _ := bytes.Cut(line, []byte(" "))
	level, text, ok := bytes.Cut(rest, []byte(" "))
	if severity, known := severities[string(level)]; ok && known {
		return severity, text
	}
	return 6, line
}
