package generate

import (
	"fmt"
	"time"
)

// Plan is a run of the generator, handed to its process as JSON.
type Plan struct {
	// Address is the server's "IP:port".
	Address string
	// Connections is how many are open at once.
	Connections int
	// Rate is the mean number of requests per second of a Poisson process, the arrivals of many independent users. 0
	// makes the loop closed: each connection sends its next request when the last answer is complete.
	Rate float64
	// Duration is how long requests are begun.
	Duration time.Duration
	// Requests is the table that requests are drawn from, by weight.
	Requests []Request
	// Slow is how many further connections belong to slow clients: they trickle their request in pieces and read the
	// answer of SlowRequest in small gulps through a small receive buffer. They are counted, but not timed.
	Slow        int
	SlowRequest Request
	// Seed makes two runs draw the same schedule and the same requests.
	Seed uint64
	// Sleep has the loop wait in the kernel between events. Without it the loop polls, which keeps wake-up delays out of
	// the latencies and burns the generator's processor; set it where an upstream has to share that processor.
	Sleep bool
	// Spread makes connections come from many local addresses, as OpenIdle's do: one address has ports for some 28,000
	// connections to a server, and real clients do not share one.
	Spread bool
	// Secure has the connections speak TLS; nil is for those that do not. Such a run is a closed loop of the first request
	// of the table and has no latencies.
	Secure *Secure
	// Ready is called when every connection is established and has had one answer to the first line of the table,
	// before the clock starts and the counts begin. It needs Run; a plan for another process has none.
	Ready func() error `json:"-"`
}

// Request is one line of the table.
type Request struct {
	// Head is the request's bytes up to and including the empty line.
	Head string
	// Body is the number of bytes that follow.
	Body int
	// Weight is the share of the line among the sum of weights; at least 1.
	Weight int
	// Status is the status code that counts as success.
	Status int
	// Length is the number of content bytes that counts as success, -1 for any.
	Length int64
	// Coded says that the content has to come with a content coding.
	Coded bool
	// Close says that the connection ends with the answer, as Head asked for.
	Close bool
}

// Result is what a run brought.
type Result struct {
	// Requests counts the answers that were complete and as expected.
	Requests int64
	// Elapsed is the time from the first request to the last answer or the end of patience.
	Elapsed time.Duration
	// Bytes counts what was received, heads included.
	Bytes int64
	// Latency of answered requests, from the intended instant of sending to the last byte.
	P50, P90, P99, P999, Max time.Duration
	// Late is the 99th percentile of the time by which the generator sent behind schedule although a connection was
	// free: its own error, not the server's.
	Late time.Duration
	// Ended counts connections that the server ended, or announced to end, although no request had asked for that.
	Ended int64
	// Failures by kind.
	Failures Failures
}

// Failures counts what went wrong.
type Failures struct {
	Connect int64 `json:"connect,omitempty"`
	Read    int64 `json:"read,omitempty"`
	Write   int64 `json:"write,omitempty"`
	Status  int64 `json:"status,omitempty"`
	Length  int64 `json:"length,omitempty"`
	Timeout int64 `json:"timeout,omitempty"`
	// Handshake counts TLS handshakes that failed, or went another way than the plan wants them to go.
	Handshake  int64 `json:"handshake,omitempty"`
	Unfinished int64 `json:"unfinished,omitempty"`
}

// Sum is the number of failures of all kinds.
func (f Failures) Sum() int64 {
	return f.Connect + f.Read + f.Write + f.Status + f.Length + f.Timeout + f.Handshake + f.Unfinished
}

// String names the kinds that occurred.
func (f Failures) String() string {
	text := ""
	for _, kind := range []struct {
		name  string
		count int64
	}{
		{"connect", f.Connect},
		{"read", f.Read},
		{"write", f.Write},
		{"status", f.Status},
		{"length", f.Length},
		{"timeout", f.Timeout},
		{"handshake", f.Handshake},
		{"unfinished", f.Unfinished},
	} {
		if kind.count > 0 {
			text += fmt.Sprintf(" %s %d", kind.name, kind.count)
		}
	}
	if text == "" {
		return "none"
	}
	return text[1:]
}

func (p *Plan) check() error {
	switch {
	case p.Connections < 1 && p.Slow < 1:
		return fmt.Errorf("a plan needs connections, this one has %d", p.Connections)
	case p.Connections > 0 && len(p.Requests) == 0:
		return fmt.Errorf("a plan needs requests")
	case p.Duration <= 0:
		return fmt.Errorf("a plan needs a duration, this one has %v", p.Duration)
	case p.Secure != nil && (p.Rate > 0 || p.Slow > 0 || p.Spread || p.Ready != nil || len(p.Requests) != 1):
		return fmt.Errorf("a plan with TLS is a closed loop of one request")
	}
	return nil
}

// Head writes a request head for the given method, path and further fields.
func Head(method, path string, fields ...string) string {
	head := method + " " + path + " HTTP/1.1\r\nHost: bench.example\r\n"
	for _, field := range fields {
		head += field + "\r\n"
	}
	return head + "\r\n"
}

// Add returns the sums by kind.
func (f Failures) Add(other Failures) Failures {
	return Failures{
		Connect:    f.Connect + other.Connect,
		Read:       f.Read + other.Read,
		Write:      f.Write + other.Write,
		Status:     f.Status + other.Status,
		Length:     f.Length + other.Length,
		Timeout:    f.Timeout + other.Timeout,
		Handshake:  f.Handshake + other.Handshake,
		Unfinished: f.Unfinished + other.Unfinished,
	}
}
