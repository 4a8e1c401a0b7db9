package load

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/anygate/anygate/bench/internal/generate"
	"github.com/anygate/anygate/bench/internal/proc"
)

// H2load is one run of h2load. Unlike wrk it keeps a number of requests under way on each connection, replacing each as
// its answer comes, and times them one by one.
type H2load struct {
	// CPUs is where h2load runs, one thread on each.
	CPUs proc.CPUs
	// Address is the server's "IP:port", Path what is requested of it.
	Address, Path string
	// H2 has it speak HTTP/2 instead of HTTP/1.1.
	H2 bool
	// TLS has it ask over TLS 1.3, with Suite and Group. A run in which something else is negotiated fails.
	TLS bool
	// Connections is how many are open at once, Streams how many requests are under way on each.
	Connections, Streams int
	// Duration is rounded up to whole seconds, the unit of h2load.
	Duration time.Duration
}

// patience is how long a run may take beyond its duration. A server that ends connections keeps h2load from ending.
const patience = 10 * time.Second

// FindH2load says where h2load is, or how to get it.
func FindH2load() (string, error) {
	path, err := proc.Look("h2load")
	if err != nil {
		return "", errors.New("h2load is missing; on Debian: apt-get install nghttp2-client")
	}
	return path, nil
}

// Run runs h2load to its end. The Host field is h2load's own, the address: one that is given stands beside it, and a
// request with two is refused, which h2load repeats for ever.
func (h *H2load) Run(ctx context.Context) (Result, error) {
	program, err := FindH2load()
	if err != nil {
		return Result{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, h.Duration+patience)
	defer cancel()
	seconds := (h.Duration + time.Second - 1) / time.Second
	threads := min(max(len(h.CPUs), 1), h.Connections)
	argv := []string{
		program, "-t", strconv.Itoa(threads), "-c", strconv.Itoa(h.Connections), "-m", strconv.Itoa(max(h.Streams, 1)),
		"-D", fmt.Sprintf("%d", seconds),
	}
	switch {
	case !h.H2:
		argv = append(argv, "--h1")
	case h.TLS:
		argv = append(argv, "--npn-list=h2")
	default:
		argv = append(argv, "--no-tls-proto=h2c")
	}
	scheme := "http://"
	if h.TLS {
		scheme = "https://"
		argv = append(argv, "--tls13-ciphers="+Suite, "--groups="+Group)
	}
	output, err := proc.Output(ctx, h.CPUs, nil, nil, append(argv, scheme+h.Address+h.Path)...)
	if err != nil {
		return Result{}, err
	}
	if h.TLS {
		if err := h.negotiated(string(output)); err != nil {
			return Result{}, err
		}
	}
	return parseH2load(string(output))
}

// negotiated compares what h2load says about its connections with what they were to be.
func (h *H2load) negotiated(output string) error {
	protocol := "http/1.1"
	if h.H2 {
		protocol = "h2"
	}
	for _, want := range []string{
		"TLS Protocol: TLSv1.3", "Cipher: " + Suite, "Server Temp Key: " + Group + " ", "Application protocol: " + protocol,
	} {
		if !strings.Contains(output+"\n", "\n"+want) {
			return fmt.Errorf("h2load did not see %q: %s", strings.TrimSpace(want), strings.TrimSpace(output))
		}
	}
	return nil
}

var (
	h2loadFinished = regexp.MustCompile(`finished in ([0-9.]+[a-z]+),`)
	h2loadRequests = regexp.MustCompile(`requests: .* (\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout`)
	h2loadTraffic  = regexp.MustCompile(`traffic: \S+ \((\d+)\) total`)
	h2loadTimes    = regexp.MustCompile(`time for request: +\S+ +(\S+)`)
)

// parseH2load reads what h2load prints for people: it has no other form.
func parseH2load(output string) (Result, error) {
	finished := h2loadFinished.FindStringSubmatch(output)
	requests := h2loadRequests.FindStringSubmatch(output)
	traffic := h2loadTraffic.FindStringSubmatch(output)
	times := h2loadTimes.FindStringSubmatch(output)
	if finished == nil || requests == nil || traffic == nil || times == nil {
		return Result{}, fmt.Errorf("h2load printed no figures: %s", strings.TrimSpace(output))
	}
	elapsed, err := time.ParseDuration(finished[1])
	if err != nil || elapsed <= 0 {
		return Result{}, fmt.Errorf("h2load's time %q", finished[1])
	}
	worst, err := time.ParseDuration(times[1])
	if err != nil {
		return Result{}, fmt.Errorf("h2load's longest time %q", times[1])
	}
	count := func(digits string) int64 {
		n, _ := strconv.ParseInt(digits, 10, 64) // The pattern admits digits only.
		return n
	}
	return Result{
		Requests: count(requests[1]),
		Bytes:    count(traffic[1]),
		Elapsed:  elapsed,
		Max:      worst,
		// Requests that failed are those whose status is not 2xx or 3xx, or that got no answer.
		Failures: generate.Failures{Status: count(requests[2]) - count(requests[3]), Read: count(requests[3]), Timeout: count(requests[4])},
	}, nil
}
