package control

import (
	"errors"
	"io"
	"io/fs"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/anygate/anygate/config"
	"github.com/anygate/anygate/telemetry"
)

// logs are the destinations of what the shards and this package have to say.
type logs struct {
	level telemetry.Level
	// errors is always there; access is nil when it is off, and the same Writer when both go to the same place, so that
	// their lines do not run into each other.
	errors, access *telemetry.Writer
	// The rings of each shard; those for access lines are nil when they are off.
	errorRings, accessRings []*telemetry.Ring
	// own takes the lines of this package, so that a destination that does not move cannot keep it from draining. mu makes
	// one producer of many.
	mu  sync.Mutex
	own *telemetry.Ring
}

func openLogs(c config.Log, shards int, stdout, stderr io.Writer) *logs {
	l := &logs{own: telemetry.NewRing(0), accessRings: make([]*telemetry.Ring, shards), errorRings: make([]*telemetry.Ring, shards)}
	l.level, _ = telemetry.ParseLevel(c.Level)
	for i := range shards {
		l.errorRings[i] = telemetry.NewRing(0)
		if c.Access.To != "off" {
			l.accessRings[i] = telemetry.NewRing(telemetry.DefaultRingBytes)
		}
	}
	// What this package says comes behind what the shards have said before.
	switch c.Access.To {
	case "off":
		l.errors = telemetry.NewWriter(stderr, l.lost("stderr"), slices.Concat(l.errorRings, []*telemetry.Ring{l.own})...)
	case "stderr":
		l.errors = telemetry.NewWriter(stderr, l.lost("stderr"), slices.Concat(l.errorRings, l.accessRings, []*telemetry.Ring{l.own})...)
		l.access = l.errors
	default:
		l.errors = telemetry.NewWriter(stderr, l.lost("stderr"), slices.Concat(l.errorRings, []*telemetry.Ring{l.own})...)
		l.access = telemetry.NewWriter(stdout, l.lost("stdout"), l.accessRings...)
	}
	return l
}

// lost makes what tells that lines for a destination are missing, and why.
func (l *logs) lost(destination string) func(telemetry.Loss) {
	return func(loss telemetry.Loss) {
		fields := []telemetry.Field{telemetry.Int("lines", int64(loss.Lines)), telemetry.String("destination", destination)}
		why := "is too slow"
		if loss.Err != nil {
			why = "refuses them"
			fields = append(fields, telemetry.String("error", cause(loss.Err)))
		}
		l.say(telemetry.Warn, "log lines were dropped because their destination "+why, fields...)
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
	if l.access != nil && l.access != l.errors {
		err = l.access.Close(logClose)
	}
	return errors.Join(err, l.errors.Close(logClose))
}
