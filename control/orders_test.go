package control

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/anygate/anygate/engine"
)

// hang keeps a shard from its work until the function that it returns is called.
func (r *reloading) hang(shard int) (goOn func()) {
	r.t.Helper()
	hangs, end := make(chan bool), make(chan bool)
	q := &question{find: func() { close(hangs); <-end }}
	if !r.shards[shard].Shard().Post(engine.Message{Kind: messageQuestion, Value: q}) {
		r.t.Fatal("the shard takes no message")
	}
	<-hangs
	return func() { close(end) }
}

const (
	oneShard  = "listen: \"127.0.0.1:0\"\nserver: {shards: 1}\nroutes: {/hello: OK %s}\n"
	twoShards = "listen: \"127.0.0.1:0\"\nserver: {shards: 2}\nroutes: {/hello: OK %s}\n"
)

func TestSilent(t *testing.T) {
	for want, l := range map[string]silent{"shard 3 does not answer": {3}, "shards 0 2 do not answer": {0, 2}} {
		if got := l.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// TestReloadWithAShardThatHangs says which one it is, and changes nothing.
func TestReloadWithAShardThatHangs(t *testing.T) {
	r := startReloading(t, "", fmt.Sprintf(oneShard, "one"))
	r.patience = 100 * time.Millisecond
	served := r.generation.Load()
	goOn := r.hang(0)
	_, err := r.change(fmt.Sprintf(oneShard, "two"), false)
	if err == nil || !strings.Contains(err.Error(), "shard 0 does not answer for 100ms: nothing was changed") || r.generation.Load() != served {
		t.Errorf("with a shard that hangs: %v", err)
	}
	goOn()
	r.patience = orderTime
	r.mustChange(fmt.Sprintf(oneShard, "three"))
	if _, body := r.get("/hello"); body != "three" {
		t.Errorf("behind that: %q", body)
	}
}

// TestReloadThatAShardHangsIn is told by the shard's number, and is what the shard serves when it goes on.
func TestReloadThatAShardHangsIn(t *testing.T) {
	r := startReloading(t, "", fmt.Sprintf(oneShard, "one"))
	var goOn func()
	r.accept = func() error {
		goOn, r.patience = r.hang(0), 2*time.Second
		return nil
	}
	if report := r.mustChange(fmt.Sprintf(oneShard, "two")); !strings.Contains(report.String(), "\n! shard 0 does not answer: ") {
		t.Errorf("the report says %q", report)
	}
	r.accept, r.patience = nil, orderTime
	goOn()
	waitFor(t, "it has the order", func() bool { return r.shards[0].done.Load() == r.orders })
	if _, body := r.get("/hello"); body != "two" {
		t.Errorf("behind that: %q", body)
	}
}

// TestOthersAreToldBesideAShardThatHangs whose inbox is full: they leave what comes to another process, and end.
func TestOthersAreToldBesideAShardThatHangs(t *testing.T) {
	r := startReloading(t, "", fmt.Sprintf(twoShards, "one"))
	r.patience = 100 * time.Millisecond
	goOn := r.hang(0)
	for r.shards[0].Shard().Post(engine.Message{Kind: messageQuestion, Value: &question{find: func() {}}}) {
	}
	r.retire()
	waitFor(t, "the other one has the order", func() bool { return r.shards[1].done.Load() == 1 })
	r.patience = orderTime
	goOn()
	r.drain()
	waitFor(t, "both have drained", r.drained)
}

// TestStopOfABusyShard reaches one whose inbox is full when it is told.
func TestStopOfABusyShard(t *testing.T) {
	r := startReloading(t, "", fmt.Sprintf(twoShards, "one"))
	goOn := r.hang(0)
	for r.shards[0].Shard().Post(engine.Message{Kind: messageQuestion, Value: &question{find: func() {}}}) {
	}
	time.AfterFunc(50*time.Millisecond, goOn)
	r.stop()
	waitFor(t, "both have ended", func() bool {
		select {
		case <-r.Server.ended:
			return true
		default:
			return false
		}
	})
}

// TestEndWithAShardThatHangs comes all the same, when the time for it is over.
func TestEndWithAShardThatHangs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.sock")
	r := startReloading(t, "", fmt.Sprintf(strings.Replace(twoShards, "127.0.0.1:0", "unix:"+path, 1), "one"))
	r.patience = 100 * time.Millisecond
	goOn := r.hang(1)
	r.signals <- syscall.SIGTERM
	r.signals <- syscall.SIGTERM
	if err := <-r.running.ended; !errors.Is(err, errLeft) {
		t.Errorf("it ends with %v", err)
	}
	r.running.ended = nil
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("its socket is left behind: %v", err)
	}
	goOn()
	<-r.Server.ended
}
