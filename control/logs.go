package control

import (
	"errors"
	"io"
	"io/fs"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/anygate/anygate/config"
	"github.com/anygate/anygate/control/handover"
	"github.com/anygate/anygate/telemetry"
)

// logs are what the shards and this package have to say, on its way to where it is written.
type logs struct {
	level telemetry.Level
	// where is held by who changes sinks, or goes through them at any time.
	where sync.Mutex
	sinks sinks
	// access is nil until the access log is on.
	errors, access *telemetry.Writer
	errorsTo       atomic.Pointer[sink]
	accessTo       atomic.Pointer[sink] // nil while it is off
	// The rings of each shard.
	errorRings, accessRings []*telemetry.Ring
	// bell is rung by a shard whose ring of access lines is half full.
	bell *handover.Queue[struct{}]
	// own takes the lines of this package, so that a destination that does not move cannot keep it from draining. mu makes
	// one producer of many.
	mu  sync.Mutex
	own *telemetry.Ring
}

func openLogs(c *config.Config, shards int, stdout, stderr io.Writer) (*logs, error) {
	l := &logs{
		own: telemetry.NewRing(ownRing), accessRings: make([]*telemetry.Ring, shards), errorRings: make([]*telemetry.Ring, shards),
		sinks: sinks{stdout: stdout, stderr: stderr},
	}
	l.level, _ = telemetry.ParseLevel(c.Log.Level)
	bell, err := handover.New[struct{}](2)
	if err != nil {
		return nil, err
	}
	l.bell = bell
	for i := range shards {
		l.errorRings[i] = telemetry.NewRing(0)
		// There is one even if nothing is logged: that may change while the process runs, and the memory of a ring that is
		// not used is never touched.
		l.accessRings[i] = telemetry.NewRing(telemetry.DefaultRingBytes)
		l.accessRings[i].OnHalf(func() { bell.Put(&struct{}{}) })
	}
	change, err := l.prepare(c)
	if err != nil {
		bell.Close()
		return nil, err
	}
	// What this package says comes behind what the shards have said before.
	l.errors = telemetry.NewWriter(change.errors, l.lost(&l.errorsTo), append(append([]*telemetry.Ring(nil), l.errorRings...), l.own)...)
	l.adopt(change)
	return l, nil
}

// logChange is where logs will go.
type logChange struct {
	errors, access *sink // access is nil for off
	sinks          sinks
}

// prepare opens what a configuration writes logs to and the present one does not.
func (l *logs) prepare(c *config.Config) (*logChange, error) {
	ch := &logChange{sinks: sinks{stdout: l.sinks.stdout, stderr: l.sinks.stderr, base: c.BaseDir}}
	var err error
	if ch.errors, err = ch.sinks.open(c.Log.To, errorKind, &l.sinks); err != nil {
		return nil, err
	}
	if c.Log.Access.To == "off" {
		return ch, nil
	}
	if ch.access, err = ch.sinks.open(c.Log.Access.To, accessKind, &l.sinks); err != nil {
		l.discard(ch)
		return nil, err
	}
	return ch, nil
}

// discard closes what prepare has opened.
func (l *logs) discard(ch *logChange) { closeAll(ch.sinks.but(&l.sinks)) }

// adopt has everything written to where a change says. What is no longer written to is closed; one that does not move is
// not waited for. Whoever asks for figures in the meantime waits for nothing.
func (l *logs) adopt(ch *logChange) {
	moves, gone := l.change(ch)
	moved := make(chan struct{})
	go func() {
		defer close(moved)
		for _, m := range moves {
			<-m
		}
		closeAll(gone)
	}()
	select {
	case <-moved:
	case <-time.After(logMove):
		l.say(telemetry.Warn, "a log's destination does not move: where the log goes from now on gets its first line when that one has taken its last, or after a restart")
	}
}

// change begins what adopt does: moves end when the logs have left where they were, and gone is what is closed then.
func (l *logs) change(ch *logChange) (moves []<-chan struct{}, gone []*sink) {
	l.where.Lock()
	defer l.where.Unlock()
	if l.errorsTo.Swap(ch.errors) != ch.errors {
		moves = append(moves, l.errors.Redirect(ch.errors))
	}
	before := l.accessTo.Swap(ch.access)
	switch {
	case ch.access == before:
	case ch.access == nil:
		// Lines of requests that began before may still come.
		moves = append(moves, l.access.Redirect(io.Discard))
	case l.access == nil:
		l.access = telemetry.NewWriter(ch.access, l.lost(&l.accessTo), l.accessRings...)
		go l.answerBell()
	default:
		moves = append(moves, l.access.Redirect(ch.access))
	}
	gone = l.sinks.but(&ch.sinks)
	l.sinks = ch.sinks
	return moves, gone
}

// answerBell has the Writer look as soon as a shard has much for it.
func (l *logs) answerBell() {
	for {
		if _, ok := l.bell.Take(); !ok {
			return
		}
		l.access.Wake()
	}
}

// reopen opens all files by their names anew.
func (l *logs) reopen() {
	l.where.Lock()
	defer l.where.Unlock()
	for _, s := range l.sinks.list {
		if s.file == nil {
			continue
		}
		if err := s.file.Reopen(); err != nil {
			l.say(telemetry.Error, "a log file cannot be opened again: the one before is written to",
				telemetry.String("file", s.name), telemetry.String("error", cause(err)))
			continue
		}
		l.say(telemetry.Info, "a log file was opened again", telemetry.String("file", s.name))
	}
}

// lost makes what tells that lines for a destination are missing, and why.
func (l *logs) lost(to *atomic.Pointer[sink]) func(telemetry.Loss) {
	return func(loss telemetry.Loss) {
		name := "none"
		if s := to.Load(); s != nil {
			name = s.name
		}
		l.tellLoss(name, loss)
	}
}

func (l *logs) tellLoss(destination string, loss telemetry.Loss) {
	fields := []telemetry.Field{telemetry.Int("lines", int64(loss.Lines)), telemetry.String("destination", destination)}
	if loss.Err != nil {
		fields = append(fields, telemetry.String("error", cause(loss.Err)))
	}
	switch {
	case loss.Retried:
		l.say(telemetry.Warn, "log lines wait because their destination refuses them: it is tried again every second", fields[1:]...)
	case loss.Err == nil:
		l.say(telemetry.Warn, "log lines were dropped because their destination is too slow", fields...)
	case loss.Lines > 0:
		l.say(telemetry.Warn, "log lines were dropped because their destination refused them", fields...)
	default:
		l.say(telemetry.Info, "a log's destination takes lines again, and none was lost", fields[1:2]...)
	}
}

// cause is what the system says of an error, without the call and the file it is about.
func cause(err error) string {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return errno.Error()
	}
	var pathError *fs.PathError
	if errors.As(err, &pathError) {
		return pathError.Err.Error()
	}
	return err.Error()
}

// say writes a line of the error log.
func (l *logs) say(level telemetry.Level, msg string, fields ...telemetry.Field) {
	if !l.level.Allows(level) {
		return
	}
	l.mu.Lock()
	l.own.Error(level, time.Now().Unix(), msg, fields...)
	l.mu.Unlock()
	l.errors.Wake()
}

// close writes what is left. The access log goes first, as its losses are told in the error log.
func (l *logs) close() error {
	var err error
	if l.access != nil {
		err = l.access.Close(logClose)
	}
	l.bell.Close()
	if err = errors.Join(err, l.errors.Close(logClose)); err != nil {
		// Somebody is still writing.
		return err
	}
	closeAll(l.sinks.list)
	return nil
}
