package certificates

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/anygate/anygate/config"
	"github.com/anygate/anygate/telemetry"
	"github.com/anygate/anygate/tlsedge/certificate/certtest"
)

var root = certtest.NewAuthority("root")

// world is a directory with the files of a configuration, a clock and a log.
type world struct {
	t    *testing.T
	dir  string
	mu   sync.Mutex
	now  time.Time
	said []string
}

func newWorld(t *testing.T) *world { return &world{t: t, dir: t.TempDir(), now: time.Now()} }

func (w *world) file(name string) config.File {
	path := filepath.Join(w.dir, name)
	return config.File{Name: path, Path: path}
}

func (w *world) write(name string, parts ...[]byte) {
	w.t.Helper()
	if err := os.WriteFile(filepath.Join(w.dir, name), bytes.Join(parts, nil), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// put replaces a file by a rename.
func (w *world) put(name string, data []byte) {
	w.t.Helper()
	w.write(name+".new", data)
	if err := os.Rename(filepath.Join(w.dir, name+".new"), filepath.Join(w.dir, name)); err != nil {
		w.t.Fatal(err)
	}
}

// pair writes a certificate and its key.
func (w *world) pair(name string, i *certtest.Issued) config.Certificate {
	w.write(name+".pem", i.Chain)
	w.write(name+".key", i.KeyPEM)
	return config.Certificate{Cert: w.file(name + ".pem"), Key: w.file(name + ".key")}
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

func (w *world) log(_ telemetry.Level, msg string, _ ...telemetry.Field) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.said = append(w.said, msg)
}

// heard returns what was logged, and forgets it.
func (w *world) heard() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := strings.Join(w.said, "\n")
	w.said = nil
	return all
}

// open opens a set whose log is that of the world. It is not running.
func (w *world) open(c *config.TLS) *Set {
	w.t.Helper()
	s, err := Open(w.options(c))
	if err != nil {
		w.t.Fatal(err)
	}
	log := Logger(w.log)
	s.log.Store(&log)
	return s
}

func (w *world) options(c *config.TLS) Options {
	if c.Tickets.Rotate == 0 {
		c.Tickets.Rotate, c.Tickets.Keep = time.Hour, 3
	}
	return Options{Config: c, ReadFile: os.ReadFile, Now: w.clock, Every: time.Millisecond}
}

// serverConfig is what a server would do with a set.
func serverConfig(s *Set) *tls.Config {
	c := &tls.Config{GetCertificate: s.Store().Choose, GetEncryptedClientHelloKeys: s.ECH()}
	if keys := s.Tickets().Current(); keys != nil {
		c.SetSessionTicketKeys(*keys)
	}
	return c
}

// sockets are the two ends of a connection with room for what either side says before it listens.
func sockets() (a, b net.Conn, err error) {
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, err
	}
	var conns [2]net.Conn
	for i, fd := range fds {
		f := os.NewFile(uintptr(fd), "socket")
		if conns[i], err = net.FileConn(f); err == nil {
			err = conns[i].SetDeadline(time.Now().Add(20 * time.Second))
		}
		f.Close()
		if err != nil {
			return nil, nil, err
		}
	}
	return conns[0], conns[1], nil
}

// shake makes one connection between two configurations and has one byte sent by the server, so that tickets arrive.
func shake(client, server *tls.Config) (tls.ConnectionState, error) {
	a, b, err := sockets()
	if err != nil {
		return tls.ConnectionState{}, err
	}
	defer a.Close()
	defer b.Close()
	done := make(chan error, 1)
	go func() {
		s := tls.Server(b, server)
		err := s.Handshake()
		if err == nil {
			_, err = s.Write([]byte{1})
		}
		done <- err
	}()
	c := tls.Client(a, client)
	if err := c.Handshake(); err != nil {
		return tls.ConnectionState{}, err
	}
	if _, err := io.ReadFull(c, make([]byte, 1)); err != nil {
		return tls.ConnectionState{}, err
	}
	return c.ConnectionState(), errors.Join(<-done)
}

func trust(a *certtest.Authority, name string) *tls.Config {
	return &tls.Config{RootCAs: poolOf(a), ServerName: name}
}
