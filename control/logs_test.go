package control

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/anygate/anygate/config"
	"github.com/anygate/anygate/telemetry"
)

// mustOpenLogs opens logs; the error log goes to stderr.
func mustOpenLogs(t testing.TB, c config.Log, shards int, stdout, stderr io.Writer) *logs {
	t.Helper()
	c.To = "stderr"
	l, err := openLogs(&config.Config{Log: c}, shards, stdout, stderr)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// wall is a destination that takes nothing until it is opened.
type wall chan struct{}

func (w wall) Write(p []byte) (int, error) {
	<-w
	return len(p), nil
}

// TestStuckLogDoesNotKeepTheServer signals a server whose error log does not move.
func TestStuckLogDoesNotKeepTheServer(t *testing.T) {
	w := make(wall)
	defer close(w)
	cfg := parse(t, "", "listen: \"127.0.0.1:0\"\nroutes: {\"/\": OK}\nserver: {engine: epoll, shards: 1}\n")
	s, err := Start(Options{Config: cfg, Version: "0.0.0", Stdout: io.Discard, Stderr: w})
	if err != nil {
		t.Fatal(err)
	}
	signals := make(chan os.Signal, 1)
	signals <- syscall.SIGTERM
	if err := s.Serve(signals); !errors.Is(err, telemetry.ErrStuck) {
		t.Errorf("Serve returned %v, want ErrStuck", err)
	}
}

// TestManyLinesAtOnce says something of each of a thousand certificates while the destination takes its time.
func TestManyLinesAtOnce(t *testing.T) {
	w, began := make(wall), make(chan struct{}, 1)
	var err journal
	l := mustOpenLogs(t, config.Log{Access: config.AccessLog{To: "off"}, Level: "info"}, 1, io.Discard, tellingWriter{io.MultiWriter(w, &err), began})
	l.say(telemetry.Info, "begun")
	<-began
	for range 1000 {
		l.say(telemetry.Info, "a certificate was replaced", telemetry.String("certificate", "/etc/anygate/tls/www.example.com.pem"),
			telemetry.String("for", "www.example.com"), telemetry.String("until", "2027-01-01T00:00:00Z"))
	}
	close(w)
	if e := l.close(); e != nil {
		t.Error(e)
	}
	if n := strings.Count(err.String(), "\n"); n != 1001 {
		t.Errorf("%d lines are logged of 1001", n)
	}
}

// TestStuckLogIsMoved changes the destination of a log that does not move. Neither that nor the end waits for it.
func TestStuckLogIsMoved(t *testing.T) {
	begun := make(chan struct{}, 1)
	w := make(wall)
	defer close(w)
	to := func(name string) *config.Config {
		return &config.Config{Log: config.Log{Access: config.AccessLog{To: name, Format: "text"}, Level: "info", To: "stderr"}}
	}
	var errs journal
	l, err := openLogs(to("stdout"), 1, tellingWriter{w, begun}, &errs)
	if err != nil {
		t.Fatal(err)
	}
	l.accessRings[0].Access(telemetry.Text, &telemetry.Access{Status: 200})
	l.access.Wake()
	<-begun
	ch, err := l.prepare(to(filepath.Join(t.TempDir(), "access.log")))
	if err != nil {
		t.Fatal(err)
	}
	start, adopted := time.Now(), make(chan struct{})
	go func() {
		defer close(adopted)
		l.adopt(ch)
	}()
	for l.accessTo.Load() != ch.access {
		runtime.Gosched()
	}
	// Whoever asks how the process is gets the figures of its logs as well.
	l.losses()
	if took := time.Since(start); took >= logMove {
		t.Errorf("figures come after %v", took)
	}
	<-adopted
	if err := l.close(); !errors.Is(err, telemetry.ErrStuck) {
		t.Errorf("close returned %v, want ErrStuck", err)
	}
	wantIn(t, errs.String(), " warn a log's destination does not move: ")
}

// tellingWriter says when something is about to be written.
type tellingWriter struct {
	io.Writer
	begun chan<- struct{}
}

func (w tellingWriter) Write(p []byte) (int, error) {
	select {
	case w.begun <- struct{}{}:
	default:
	}
	return w.Writer.Write(p)
}

func TestLogLevels(t *testing.T) {
	var out, err journal
	l := mustOpenLogs(t, config.Log{Access: config.AccessLog{To: "off"}, Level: "warn"}, 2, &out, &err)
	l.say(telemetry.Info, "not this")
	l.say(telemetry.Warn, "this")
	l.errorRings[1].Error(telemetry.Error, 0, "and this")
	if l.access != nil {
		t.Error("access lines are written although they are off")
	}
	if e := l.close(); e != nil {
		t.Error(e)
	}
	if got := err.String(); out.String() != "" || len(got) == 0 {
		t.Errorf("%q and %q", out.String(), got)
	} else {
		wantIn(t, got, " warn this\n", "1970-01-01T00:00:00Z error and this\n")
		if n := len(got); n > 80 {
			t.Errorf("%q", got)
		}
	}
}

// TestLogsShareADestination writes both logs to the standard error output.
func TestLogsShareADestination(t *testing.T) {
	var out, err journal
	l := mustOpenLogs(t, config.Log{Access: config.AccessLog{To: "stderr", Format: "text"}, Level: "info"}, 1, &out, &err)
	l.accessRings[0].Access(telemetry.Text, &telemetry.Access{Status: 200})
	l.say(telemetry.Info, "said")
	if e := l.close(); e != nil {
		t.Error(e)
	}
	wantIn(t, err.String(), " 200 0 0 0.000ms\n", " info said\n")
	if out.String() != "" {
		t.Errorf("the standard output has %q", out.String())
	}
}

// refusing is a destination without room.
type refusing struct{}

func (refusing) Write([]byte) (int, error) {
	return 0, &os.PathError{Op: "write", Path: "/dev/stdout", Err: syscall.ENOSPC}
}

// TestLogsTellWhoLostLines has one of two destinations refuse a line, and the other one be too slow for some.
func TestLogsTellWhoLostLines(t *testing.T) {
	var err journal
	l := mustOpenLogs(t, config.Log{Access: config.AccessLog{To: "stdout", Format: "text"}, Level: "info"}, 1, refusing{}, &err)
	l.accessRings[0].Access(telemetry.Text, &telemetry.Access{Status: 200})
	l.lost(&l.errorsTo)(telemetry.Loss{Lines: 7})
	if e := l.close(); e != nil {
		t.Error(e)
	}
	wantIn(
		t, err.String(),
		"warn log lines were dropped because their destination refused them lines=1 destination=stdout error=\"no space left on device\"\n",
		"warn log lines were dropped because their destination is too slow lines=7 destination=stderr\n",
	)
}
