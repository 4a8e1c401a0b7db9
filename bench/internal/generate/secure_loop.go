package generate

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// client is one of the clients of a closed loop over TLS.
type client struct {
	plan   *Plan
	config *tls.Config
	dialer net.Dialer
	until  time.Time
	buffer []byte
	// resuming says that there is a session to resume.
	resuming bool
	result   Result
	// problem is the first failure.
	problem error
}

// runSecure executes a closed loop over TLS: one goroutine for each connection, and crypto/tls. It costs far more than the
// loop on raw sockets and has no latencies; what it is for is the server's account.
func runSecure(plan *Plan) (Result, error) {
	clients := make([]client, plan.Connections)
	each := func(act func(*client)) {
		var group sync.WaitGroup
		for i := range clients {
			group.Go(func() { act(&clients[i]) })
		}
		group.Wait()
	}
	for i := range clients {
		clients[i] = client{plan: plan, config: plan.Secure.config(), buffer: make([]byte, 64<<10)}
	}
	if plan.Secure.Resume {
		each((*client).prime)
	}
	start := time.Now()
	for i := range clients {
		clients[i].until = start.Add(plan.Duration)
	}
	each((*client).run)
	result := Result{Elapsed: time.Since(start)}
	var problem error
	for i := range clients {
		own := &clients[i].result
		result.Requests += own.Requests
		result.Bytes += own.Bytes
		result.Ended += own.Ended
		result.Failures = result.Failures.Add(own.Failures)
		if problem == nil {
			problem = clients[i].problem
		}
	}
	if result.Requests == 0 && problem != nil {
		return Result{}, problem
	}
	return result, nil
}

// prime gets the session that the first measured connection resumes.
func (c *client) prime() {
	c.until = time.Now().Add(exchangePatience)
	c.connect()
	c.result = Result{}
	c.resuming = c.problem == nil
}

// run makes one connection after the other until the time is over.
func (c *client) run() {
	for time.Now().Before(c.until) {
		c.connect()
	}
}

// connect opens a connection and uses it, until the request asks for its end or the time is over.
func (c *client) connect() {
	plain, err := c.dialer.Dial("tcp4", c.plan.Address)
	if err != nil {
		c.fail(&c.result.Failures.Connect, err)
		return
	}
	defer plain.Close()
	if err := plain.SetDeadline(c.until.Add(exchangePatience)); err != nil {
		c.fail(&c.result.Failures.Connect, err)
		return
	}
	stream, err := c.plan.Secure.handshake(plain, c.config, c.resuming)
	if err != nil {
		c.fail(&c.result.Failures.Handshake, err)
		return
	}
	request := &c.plan.Requests[0]
	for {
		answer, err := exchange(stream, request, c.buffer)
		switch {
		case errors.Is(err, ErrWrong):
			c.fail(&c.result.Failures.Status, err)
			return
		case err != nil:
			c.fail(&c.result.Failures.Read, err)
			return
		}
		c.result.Requests++
		c.result.Bytes += answer.length
		if request.Close {
			c.awaitEnd(stream)
			return
		}
		if answer.closing {
			c.result.Ended++
			return
		}
		if !time.Now().Before(c.until) {
			return
		}
	}
}

// awaitEnd reads until the server has closed the connection, with a close_notify alert or without.
func (c *client) awaitEnd(stream io.Reader) {
	n, err := stream.Read(c.buffer)
	switch {
	case n > 0:
		c.fail(&c.result.Failures.Read, errBeyondDone)
	case err != io.EOF && !errors.Is(err, io.ErrUnexpectedEOF):
		c.fail(&c.result.Failures.Read, fmt.Errorf("the end of the connection: %w", err))
	}
}

func (c *client) fail(counter *int64, err error) {
	*counter++
	if c.problem == nil {
		c.problem = err
	}
}
