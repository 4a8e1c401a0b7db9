package peer

import (
	"bytes"
	"context"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// SClient runs openssl s_client against an address with something to send, and returns all that it says, the content that
// it receives among it. It ends when the server closes the connection, so that what is sent should ask for that.
func SClient(t testing.TB, addr, send string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, Find(t, "openssl"), append([]string{"s_client", "-connect", addr, "-ign_eof"}, args...)...)
	var out bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(send), &out, &out
	err := cmd.Run()
	if ctx.Err() != nil {
		t.Fatalf("openssl s_client %q does not end, %v:\n%s", args, err, out.String())
	}
	return out.String()
}

// SCommand is SClient with a command of s_client's own, "K" or "R", before what is sent: s_client is given it when the
// connection stands, and says so in a word of its own.
func SCommand(t testing.TB, addr, command, word, send string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, Find(t, "openssl"), append([]string{"s_client", "-connect", addr}, args...)...)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out := &watched{grown: make(chan struct{}, 1)}
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	wait := func(text string) {
		for !strings.Contains(out.String(), text) {
			select {
			case <-out.grown:
			case err := <-ended:
				ended <- err
				return
			}
		}
	}
	wait("---\n")
	_, _ = in.Write([]byte(command + "\n")) // what comes of a failure is in the output
	wait(word)
	_, _ = in.Write([]byte(send))
	<-ended
	if ctx.Err() != nil {
		t.Fatalf("openssl s_client %q does not end:\n%s", args, out.String())
	}
	return out.String()
}

// watched is an output that tells when there is more of it.
type watched struct {
	mu    sync.Mutex
	text  bytes.Buffer
	grown chan struct{}
}

func (w *watched) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.text.Write(p)
	select {
	case w.grown <- struct{}{}:
	default:
	}
	return len(p), nil
}

func (w *watched) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}
