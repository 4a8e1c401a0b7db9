package generate

import (
	"fmt"
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"github.com/anygate/anygate/bench/internal/stats"
)

const (
	// connectPatience is how long the connections of a run may take to be established.
	connectPatience = 10 * time.Second
	// drainPatience is how long answers are awaited after the last request was begun.
	drainPatience = 2 * time.Second
	// maxFailures ends a run that is not going to recover.
	maxFailures = 100_000
	// bodyPiece is the unit in which request content is sent.
	bodyPiece = 64 << 10
)

// loop is one run: the connections, and the one thread that moves them.
type loop struct {
	plan        *Plan
	to          *unix.SockaddrInet4
	poller      *poller
	connections []connection
	schedule    *schedule
	slowLine    line

	// free holds the indices of connections without a request, longest idle first, in a ring.
	free             []int32
	freeHead, nFree  int
	freeSince        time.Duration
	inFlight, nReady int

	start   time.Time
	now     time.Duration
	running bool
	ending  bool

	body    []byte
	buffer  []byte
	latency stats.Histogram
	late    stats.Histogram
	result  Result
}

// Run executes the plan on the calling goroutine, which keeps its thread until the run is over.
func Run(plan Plan) (Result, error) {
	if err := plan.check(); err != nil {
		return Result{}, err
	}
	if plan.Secure != nil {
		return runSecure(&plan)
	}
	to, err := sockaddr(plan.Address)
	if err != nil {
		return Result{}, err
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	// The kernel may delay a timed wait by the thread's slack, 50 microseconds by default.
	if err := unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0); err != nil {
		return Result{}, fmt.Errorf("set the timer slack: %w", err)
	}
	poller, err := newPoller()
	if err != nil {
		return Result{}, err
	}
	l := &loop{
		plan:        &plan,
		to:          to,
		poller:      poller,
		connections: make([]connection, plan.Connections+plan.Slow),
		schedule:    newSchedule(&plan),
		slowLine:    line{Request: plan.SlowRequest, head: []byte(plan.SlowRequest.Head)},
		free:        make([]int32, plan.Connections),
		body:        make([]byte, bodyPiece),
		buffer:      make([]byte, 256<<10),
	}
	defer l.close()
	if err := l.connect(); err != nil {
		return Result{}, err
	}
	if plan.Ready != nil {
		if err := l.primed(); err != nil {
			return Result{}, err
		}
		if err := plan.Ready(); err != nil {
			return Result{}, err
		}
	}
	if err := l.run(); err != nil {
		return Result{}, err
	}
	l.finish()
	return l.result, nil
}

// connect establishes all connections before the clock starts. If somebody waits for them to be ready, each has its first
// request answered at once: a server that defers accepting until a request has come would otherwise leave them all in a
// queue of the kernel, which is bounded.
func (l *loop) connect() error {
	l.start = time.Now()
	for i := range l.connections {
		c := &l.connections[i]
		c.fd, c.index, c.slow = -1, int32(i), i >= l.plan.Connections
		if err := l.reopen(c); err != nil {
			return fmt.Errorf("connection %d: %w", i, err)
		}
		// A backlog's worth at a time, lest SYNs be dropped and retried a second later.
		const burst = 128
		for settled := l.settled(); settled+burst <= i || i == len(l.connections)-1 && settled < len(l.connections); settled = l.settled() {
			if l.now = time.Since(l.start); l.now > connectPatience {
				return fmt.Errorf("%d of %d connections established within %v", settled, len(l.connections), connectPatience)
			}
			if err := l.events(time.Millisecond); err != nil {
				return err
			}
			if n := l.result.Failures.Connect; n > 0 {
				return fmt.Errorf("%d connections were refused", n)
			}
		}
	}
	return nil
}

// settled is how many connections are established, and have had their first answer if they were to.
func (l *loop) settled() int { return l.nReady - l.inFlight }

// primed judges the first answers and forgets them.
func (l *loop) primed() error {
	if failures := l.result.Failures; failures.Sum() > 0 || l.result.Ended > 0 {
		return fmt.Errorf("first requests: failures: %s; %d connections ended", failures, l.result.Ended)
	}
	l.result, l.latency = Result{}, stats.Histogram{}
	return nil
}

// pop takes the connection that has been free longest.
func (l *loop) pop() *connection {
	c := &l.connections[l.free[l.freeHead]]
	l.freeHead = (l.freeHead + 1) % len(l.free)
	l.nFree--
	return c
}

// run sends and receives until the plan's time is over and the last answer is in.
func (l *loop) run() error {
	l.start, l.now, l.freeSince, l.running = time.Now(), 0, 0, true
	for {
		l.now = time.Since(l.start)
		l.ending = l.now >= l.plan.Duration
		if l.plan.Rate > 0 {
			l.result.Failures.Unfinished += l.schedule.arrive(min(l.now, l.plan.Duration))
		}
		l.dispatch()
		l.moveSlow()
		if l.ending && l.inFlight == 0 && l.schedule.size == 0 || l.now > l.plan.Duration+drainPatience {
			return nil
		}
		if l.result.Failures.Sum() > maxFailures {
			return fmt.Errorf("gave up after %v: %s", l.now.Round(time.Millisecond), l.result.Failures)
		}
		if err := l.events(l.patience()); err != nil {
			return err
		}
	}
}

// patience is how long the loop may sleep before the schedule or a slow client wants it.
func (l *loop) patience() time.Duration {
	if !l.plan.Sleep {
		return 0
	}
	wake := l.now + 100*time.Millisecond
	if !l.ending {
		wake = min(wake, l.plan.Duration)
		if l.plan.Rate > 0 {
			wake = min(wake, l.schedule.next)
		}
	}
	for i := l.plan.Connections; i < len(l.connections); i++ {
		wake = min(wake, l.connections[i].moveAt)
	}
	return wake - l.now
}

// dispatch gives requests to free connections: every arrival that is due in an open loop, one each in a closed one.
func (l *loop) dispatch() {
	for l.nFree > 0 {
		intended := l.now
		if l.plan.Rate > 0 {
			var due bool
			if intended, due = l.schedule.take(); !due {
				return
			}
			l.late.Record(l.now - max(intended, l.freeSince))
		} else if l.ending {
			return
		}
		l.begin(l.pop(), l.schedule.draw(), intended)
	}
}

// moveSlow gives each slow client that is due its turn.
func (l *loop) moveSlow() {
	for i := l.plan.Connections; i < len(l.connections); i++ {
		c := &l.connections[i]
		if l.now < c.moveAt {
			continue
		}
		c.moveAt = l.now + slowPause
		switch c.state {
		case free:
			if !l.ending {
				l.begin(c, &l.slowLine, l.now)
			}
		case sending:
			l.send(c)
		case receiving:
			l.receive(c, l.buffer[:slowGulp])
		}
	}
}

// begin starts an exchange on a free connection.
func (l *loop) begin(c *connection, request *line, intended time.Duration) {
	c.request, c.sent, c.intended, c.state = request, 0, intended, sending
	c.answer.reset()
	l.inFlight++
	l.send(c)
}

func (l *loop) send(c *connection) {
	done, err := c.send(l.body)
	switch {
	case err != nil:
		l.result.Failures.Write++
		l.abandon(c)
	case done:
		c.state = receiving
		l.watch(c, unix.EPOLLIN)
	default:
		// An answer may come before the request has gone, so reading goes on.
		l.watch(c, unix.EPOLLIN|unix.EPOLLOUT)
	}
}

// receive takes what has arrived, once; what is left raises the next event.
func (l *loop) receive(c *connection, into []byte) {
	n, err := unix.Read(c.fd, into)
	switch {
	case err == unix.EAGAIN:
		return
	case err != nil || n == 0:
		if c.state != free {
			l.result.Failures.Read++
		} else {
			l.result.Ended++
		}
		l.abandon(c)
		return
	}
	l.result.Bytes += int64(n)
	if c.state == free {
		l.result.Failures.Read++ // An answer nobody asked for.
		l.abandon(c)
		return
	}
	done, err := c.answer.feed(into[:n])
	if err != nil {
		l.result.Failures.Read++
		l.abandon(c)
	} else if done {
		l.answered(c)
	}
}

// answered judges a complete answer and frees the connection.
func (l *loop) answered(c *connection) {
	l.inFlight--
	switch {
	case c.answer.status != c.request.Status:
		l.result.Failures.Status++
	case c.request.Length >= 0 && c.answer.length != c.request.Length, c.request.Coded && !c.answer.coded:
		l.result.Failures.Length++
	default:
		l.result.Requests++
		if !c.slow {
			l.latency.Record(time.Since(l.start) - c.intended)
		}
	}
	if c.answer.closing && !c.request.Close {
		l.result.Ended++
	}
	if c.request.Close || c.answer.closing || c.sent < c.request.total() {
		l.retry(c)
		return
	}
	l.release(c)
}

// abandon gives a broken connection up. The kind of failure has been counted by the caller.
func (l *loop) abandon(c *connection) {
	if c.state == sending || c.state == receiving {
		l.inFlight--
	}
	l.retry(c)
}

// retry replaces a connection by a new one.
func (l *loop) retry(c *connection) {
	if c.state == free && !c.slow {
		l.forget(c.index)
	}
	if err := l.reopen(c); err != nil {
		l.result.Failures.Connect++
	}
}

// forget takes a connection out of the ring of free ones, which is rare: a server has closed it while it was idle.
func (l *loop) forget(index int32) {
	kept := 0
	for i := range l.nFree {
		other := l.free[(l.freeHead+i)%len(l.free)]
		if other != index {
			l.free[(l.freeHead+kept)%len(l.free)] = other
			kept++
		}
	}
	l.nFree = kept
}

// release makes a connection available for the next request.
func (l *loop) release(c *connection) {
	c.state = free
	if c.slow {
		return
	}
	if l.nFree == 0 {
		l.freeSince = time.Since(l.start)
	}
	l.free[(l.freeHead+l.nFree)%len(l.free)] = c.index
	l.nFree++
}

// reopen closes a connection and begins a new one in its place.
func (l *loop) reopen(c *connection) error {
	if c.fd >= 0 {
		_ = unix.Close(c.fd)
	}
	c.state, c.generation, c.watched = closed, c.generation+1, unix.EPOLLOUT
	buffer := 0
	if c.slow {
		buffer = slowReceiveBuffer
	}
	var err error
	var source *unix.SockaddrInet4
	if l.plan.Spread {
		source = sourceOf(int(c.index))
	}
	if c.fd, err = open(l.to, source, buffer); err != nil {
		return err
	}
	c.state = connecting
	return l.poller.add(c.fd, c.index, c.generation, unix.EPOLLOUT)
}

// connected judges the outcome of a connection attempt.
func (l *loop) connected(c *connection) {
	if fault, err := unix.GetsockoptInt(c.fd, unix.SOL_SOCKET, unix.SO_ERROR); err != nil || fault != 0 {
		l.result.Failures.Connect++
		if l.result.Failures.Connect <= maxFailures {
			l.retry(c)
		}
		return
	}
	l.nReady++
	if l.plan.Ready != nil && !l.running && !c.slow {
		l.begin(c, &l.schedule.table[0], 0)
		return
	}
	l.release(c)
	// A slow client looks at its socket when it pleases, so that unread bytes must not raise events.
	if c.slow {
		l.watch(c, 0)
	} else {
		l.watch(c, unix.EPOLLIN)
	}
}

// watch changes the events that a connection waits for, if they do change.
func (l *loop) watch(c *connection, events uint32) {
	if c.slow {
		events = 0
	}
	if c.watched == events {
		return
	}
	c.watched = events
	if err := l.poller.change(c.fd, c.index, c.generation, events); err != nil {
		l.result.Failures.Read++
		l.abandon(c)
	}
}

// events waits and handles what has happened.
func (l *loop) events(patience time.Duration) error {
	events, err := l.poller.wait(patience)
	if err != nil {
		return fmt.Errorf("wait for events: %w", err)
	}
	for _, event := range events {
		c := &l.connections[event.Fd]
		if event.Pad != c.generation {
			continue
		}
		switch c.state {
		case connecting:
			l.connected(c)
		case sending:
			if event.Events&unix.EPOLLOUT != 0 {
				l.send(c)
			}
			if c.state == sending && event.Events&^unix.EPOLLOUT != 0 && event.Pad == c.generation {
				l.receive(c, l.buffer)
			}
		case free, receiving:
			if c.slow {
				// Only errors and hang-ups are reported for it; the bytes before them may be wanted still.
				l.receive(c, l.buffer[:slowGulp])
			} else {
				l.receive(c, l.buffer)
			}
		}
	}
	return nil
}

// finish settles what is left: a request without an answer is charged with the time it has waited so far.
func (l *loop) finish() {
	l.now = time.Since(l.start)
	for i := range l.connections {
		if c := &l.connections[i]; (c.state == sending || c.state == receiving) && !c.slow {
			l.result.Failures.Unfinished++
			l.latency.Record(l.now - c.intended)
		}
	}
	for at, waiting := l.schedule.take(); waiting; at, waiting = l.schedule.take() {
		l.result.Failures.Unfinished++
		l.latency.Record(l.now - at)
	}
	r := &l.result
	r.Elapsed = l.now
	r.P50, r.P90, r.P99 = l.latency.Quantile(0.5), l.latency.Quantile(0.9), l.latency.Quantile(0.99)
	r.P999, r.Max = l.latency.Quantile(0.999), l.latency.Max()
	r.Late = l.late.Quantile(0.99)
}

func (l *loop) close() {
	for i := range l.connections {
		if c := &l.connections[i]; c.fd > 0 {
			_ = unix.Close(c.fd)
		}
	}
	l.poller.close()
}
