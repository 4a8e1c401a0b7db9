package peer

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Nginx is a running nginx.
type Nginx struct {
	// Addr is HOST:PORT of its server.
	Addr string
	// Root is the directory of its files.
	Root string

	cmd    *exec.Cmd
	exited chan struct{}
}

const nginxConf = `
daemon off;
worker_processes 1;
pid nginx.pid;
error_log error.log notice;
USER
events { worker_connections 4096; }
http {
  access_log off;
  types {
    text/html html; text/css css; text/javascript js; application/json json; text/plain txt; image/svg+xml svg; image/png png;
  }
  default_type application/octet-stream;
  charset utf-8;
  charset_types text/css text/plain text/javascript;
  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
  sendfile on;
  keepalive_requests 1000000000;
  HTTP
  server {
    listen ADDR;
    root ROOT;
    SERVER
  }
}
`

// StartNginx serves the files of root. http and server are more lines for these two blocks of its configuration.
func StartNginx(t testing.TB, root, http, server string) *Nginx {
	t.Helper()
	program := Find(t, "nginx")
	dir := t.TempDir()
	n := &Nginx{Addr: FreePort(t), Root: root, exited: make(chan struct{})}
	user := ""
	if os.Geteuid() == 0 {
		user = "user root;" // Else its workers cannot read what the test, as root, writes.
	}
	text := strings.NewReplacer("USER", user, "HTTP", http, "ADDR", n.Addr, "ROOT", root, "SERVER", server).Replace(nginxConf)
	conf := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(conf, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	log := filepath.Join(dir, "error.log")
	n.cmd = exec.Command(program, "-p", dir, "-c", conf, "-e", log)
	n.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := n.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = n.cmd.Wait()
		close(n.exited)
	}()
	t.Cleanup(n.Stop)
	for deadline := time.Now().Add(20 * time.Second); ; {
		c, err := net.Dial("tcp", n.Addr)
		if err == nil {
			_ = c.Close()
			return n
		}
		select {
		case <-n.exited:
		case <-time.After(5 * time.Millisecond):
			if time.Now().Before(deadline) {
				continue
			}
		}
		lines, _ := os.ReadFile(log)
		t.Fatalf("nginx does not answer on %s: %v\n%s", n.Addr, err, lines)
	}
}

// Stop ends nginx at once.
func (n *Nginx) Stop() {
	_ = n.cmd.Process.Signal(syscall.SIGTERM) // The master ends its workers; SIGKILL would leave them.
	<-n.exited
}
