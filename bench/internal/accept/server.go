package accept

import (
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/signal"
	"runtime"
	"sync"
	"syscall"

	"github.com/anygate/anygate/engine"
)

// Command is the hidden command of the benchmark that runs Main.
const Command = "accept-server"

// Server is what a process of its own is told to be.
type Server struct {
	Mode    Mode
	Engine  string
	Shards  int
	Address string
}

// answer is what every request gets, read or not: the load sends one at a time.
const answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK"

// Main serves until SIGTERM and then prints how many connections each shard has accepted.
func Main(text string, stdout io.Writer) error {
	var server Server
	if err := json.Unmarshal([]byte(text), &server); err != nil {
		return err
	}
	accepted, err := server.serve()
	if err != nil {
		return err
	}
	return json.NewEncoder(stdout).Encode(accepted)
}

func (s Server) serve() ([]int, error) {
	address, err := netip.ParseAddrPort(s.Address)
	if err != nil {
		return nil, err
	}
	fds, err := s.Mode.listen(address, s.Shards)
	if err != nil {
		return nil, err
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	kind := engine.IOUring
	if s.Engine == engine.Epoll.String() {
		kind = engine.Epoll
	}
	// As the product does: a shard must not wait for another's processor of the Go scheduler.
	runtime.GOMAXPROCS(s.Shards + 1)
	shards := make([]*engine.Shard, s.Shards)
	accepted := make([]int, s.Shards)
	ready := make(chan error, s.Shards)
	var running sync.WaitGroup
	for i := range shards {
		if shards[i], err = newShard(i, kind, &accepted[i]); err != nil {
			return nil, err
		}
		shards[i].AddListener(fds[i], 0)
		running.Go(func() { shards[i].Run(func(err error) { ready <- err }) })
	}
	for range shards {
		if err := <-ready; err != nil {
			return nil, fmt.Errorf("start a shard: %w", err)
		}
	}
	<-stop
	for _, shard := range shards {
		shard.Post(engine.Message{})
	}
	running.Wait()
	return accepted, nil
}

// newShard makes a shard that leaves its count at accepted when a message stops it.
func newShard(id int, kind engine.Kind, accepted *int) (*engine.Shard, error) {
	limits := engine.Limits{Connections: 20_000, SmallBuffers: 4096, LargeBuffers: 64}
	shard, err := engine.New(engine.Config{ID: id, CPU: -1, Limits: limits, Backend: kind}, engine.Handler{})
	if err != nil {
		return nil, err
	}
	reply := []byte(answer)
	shard.SetHandler(engine.Handler{
		Received: func(c engine.Conn, _ []byte) { shard.Append(c, reply) },
		EOF:      func(c engine.Conn) { shard.Close(c) },
		Message: func(engine.Message) {
			*accepted = int(shard.Stats().Accepted)
			shard.Stop()
		},
	})
	return shard, nil
}
