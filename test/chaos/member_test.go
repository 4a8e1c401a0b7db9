package chaos

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// memberCommand makes the test binary an upstream, at the address that follows.
const memberCommand = "chaos-member"

// serveMember is the process of a member. Lines on its standard input are how long it waits before it answers; the end of
// that is its own end. It writes a line to its standard output when it serves, and one with the target of each request
// that must not be repeated, once it is carried out.
func serveMember(address string) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	var delay atomic.Int64
	go func() {
		for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
			d, err := time.ParseDuration(lines.Text())
			if err != nil {
				os.Exit(1)
			}
			delay.Store(int64(d))
		}
		os.Exit(0)
	}()
	fmt.Println("serving")
	for {
		c, err := l.Accept()
		if err != nil {
			os.Exit(1)
		}
		go serveConn(c, &delay)
	}
}

func serveConn(c net.Conn, delay *atomic.Int64) {
	defer c.Close()
	r := bufio.NewReaderSize(c, 32<<10)
	for {
		q, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		content, err := io.ReadAll(q.Body)
		if err != nil {
			return
		}
		if q.Method == "POST" {
			// One write of one line, which the kernel keeps together.
			_, _ = os.Stdout.WriteString(q.RequestURI + "\n")
		}
		time.Sleep(time.Duration(delay.Load()))
		size, _ := strconv.Atoi(q.URL.Query().Get("size"))
		if err := respond(c, answer(identity(q.Method, q.RequestURI, content), size), q.URL.Query().Has("chunked")); err != nil || q.Close {
			return
		}
	}
}

// respond sends a response: a short one in one write.
func respond(c net.Conn, content []byte, chunked bool) error {
	b := make([]byte, 0, len(content)+1024)
	b = fmt.Appendf(b, "HTTP/1.1 200 OK\r\nX-Member: %d\r\n", os.Getpid())
	if !chunked {
		b = fmt.Appendf(b, "Content-Length: %d\r\n\r\n", len(content))
		_, err := c.Write(append(b, content...))
		return err
	}
	b = append(b, "Transfer-Encoding: chunked\r\n\r\n"...)
	for len(content) > 0 {
		part := content[:min(len(content), 20_000)]
		content = content[len(part):]
		b = fmt.Appendf(b, "%x\r\n%s\r\n", len(part), part)
		if _, err := c.Write(b); err != nil {
			return err
		}
		b = b[:0]
	}
	_, err := c.Write([]byte("0\r\n\r\n"))
	return err
}

// member is the process of a member, as the test has it.
type member struct {
	address string
	ledger  *ledger

	cmd   *exec.Cmd
	stdin io.WriteCloser
	read  chan struct{} // closed when its standard output is read to its end
}

// ledger counts how often each request that must not be repeated was carried out.
type ledger struct {
	mu    sync.Mutex
	times map[string]int
}

func (l *ledger) enter(target string) {
	l.mu.Lock()
	l.times[target]++
	l.mu.Unlock()
}

// newMember chooses an address, of an IP address that nobody connects from: otherwise the product's own connections could
// take the port while the member is down, or be connected to themselves.
func newMember(t *testing.T, n int, l *ledger) *member {
	t.Helper()
	s, err := net.Listen("tcp", fmt.Sprintf("127.0.%d.1:0", n+10))
	if err != nil {
		t.Fatal(err)
	}
	m := &member{address: s.Addr().String(), ledger: l}
	_ = s.Close()
	t.Cleanup(m.kill)
	if err := m.start(); err != nil {
		t.Fatal(err)
	}
	return m
}

// start starts the process, and returns when it serves.
func (m *member) start() error {
	m.cmd = exec.Command(os.Args[0], memberCommand, m.address)
	m.cmd.Stderr = os.Stderr
	m.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	m.cmd.Env = append(os.Environ(), "GOMAXPROCS=1")
	var err error
	if m.stdin, err = m.cmd.StdinPipe(); err != nil {
		return err
	}
	out, err := m.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := m.cmd.Start(); err != nil {
		return err
	}
	lines := bufio.NewScanner(out)
	serving := lines.Scan()
	m.read = make(chan struct{})
	go func() {
		defer close(m.read)
		for lines.Scan() {
			m.ledger.enter(lines.Text())
		}
	}()
	if !serving {
		return fmt.Errorf("the member at %s does not serve", m.address)
	}
	return nil
}

// kill ends the process as a crash does.
func (m *member) kill() {
	if m.cmd == nil {
		return
	}
	_ = m.cmd.Process.Kill()
	<-m.read
	_ = m.cmd.Wait() // It was killed, and says so.
	m.cmd = nil
}

func (m *member) signal(s syscall.Signal) error { return m.cmd.Process.Signal(s) }

// slow makes it wait before each answer from now on.
func (m *member) slow(d time.Duration) error {
	_, err := io.WriteString(m.stdin, d.String()+"\n")
	return err
}

func (m *member) pid() string { return strconv.Itoa(m.cmd.Process.Pid) }
