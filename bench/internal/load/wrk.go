package load

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/anygate/anygate/bench/internal/generate"
	"github.com/anygate/anygate/bench/internal/proc"
)

//go:embed report.lua
var reportScript string

// Wrk is one run of wrk.
type Wrk struct {
	// CPUs is where wrk runs, one thread on each.
	CPUs proc.CPUs
	// Address is the server's "IP:port", Path what is requested of it.
	Address, Path string
	// Method is GET if empty.
	Method string
	// Fields are header fields, "Name: value".
	Fields []string
	// Body is the number of bytes of content sent with each request.
	Body int
	// Connections is how many are open at once.
	Connections int
	// TLS has it ask over TLS 1.3, with Suite and Group.
	TLS bool
	// Pipeline is how many requests are sent in one go; 0 and 1 mean none.
	Pipeline int
	// Duration is rounded up to whole seconds, the unit of wrk.
	Duration time.Duration
	// Scratch is a directory for the script.
	Scratch string
}

// Result is what wrk counted.
type Result struct {
	Requests int64
	Bytes    int64
	Elapsed  time.Duration
	// Latency from sending to the last byte, in a closed loop: it says how the server treats waiting clients, not what
	// users would see. With pipelining it is of no use: wrk times batches and corrects them by a count of answers.
	P50, P90, P99, P999, Max time.Duration
	Failures                 generate.Failures
}

// FindWrk says where wrk is, or how to get it.
func FindWrk() (string, error) {
	path, err := proc.Look("wrk")
	if err != nil {
		return "", errors.New("wrk is missing; on Debian: apt-get install wrk")
	}
	return path, nil
}

// Run runs wrk to its end.
func (w *Wrk) Run(ctx context.Context) (Result, error) {
	wrk, err := FindWrk()
	if err != nil {
		return Result{}, err
	}
	script := filepath.Join(w.Scratch, "wrk.lua")
	if err := os.WriteFile(script, []byte(w.script()), 0o644); err != nil {
		return Result{}, err
	}
	scheme := "http://"
	var env []string
	if w.TLS {
		settings := filepath.Join(w.Scratch, "openssl.conf")
		if err := os.WriteFile(settings, []byte(opensslSettings), 0o644); err != nil {
			return Result{}, err
		}
		scheme, env = "https://", []string{"OPENSSL_CONF=" + settings}
	}
	seconds := (w.Duration + time.Second - 1) / time.Second
	threads := min(max(len(w.CPUs), 1), w.Connections)
	output, err := proc.Output(ctx, w.CPUs, env, nil, wrk,
		"-t", strconv.Itoa(threads), "-c", strconv.Itoa(w.Connections), "-d", fmt.Sprintf("%ds", seconds),
		"--timeout", "8s", "-s", script, scheme+w.Address+w.Path)
	if err != nil {
		return Result{}, err
	}
	return parse(string(output))
}

// script writes the Lua program of the run. The request is made once, in init: a script without a request function
// leaves wrk on the path on which it does not call Lua per request. Pipelining needs that function, but one call of it
// yields a whole batch.
func (w *Wrk) script() string {
	method := w.Method
	if method == "" {
		method = "GET"
	}
	var s strings.Builder
	fmt.Fprintf(&s, "wrk.method = %s\n", luaString(method))
	fmt.Fprintf(&s, "wrk.headers[\"Host\"] = \"bench.example\"\n")
	for _, field := range w.Fields {
		name, value, _ := strings.Cut(field, ":")
		fmt.Fprintf(&s, "wrk.headers[%s] = %s\n", luaString(name), luaString(strings.TrimSpace(value)))
	}
	if w.Body > 0 {
		fmt.Fprintf(&s, "wrk.body = string.rep(\"x\", %d)\n", w.Body)
	}
	if w.Pipeline > 1 {
		fmt.Fprintf(&s, "local batch\ninit = function(args)\n  local one = wrk.format()\n  batch = string.rep(one, %d)\nend\n", w.Pipeline)
		s.WriteString("request = function() return batch end\n")
	}
	s.WriteString(reportScript)
	return s.String()
}

// luaString quotes a header field's characters for Lua.
func luaString(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`).Replace(text) + `"`
}

func parse(output string) (Result, error) {
	_, line, found := strings.Cut(output, "\n@figures ")
	if !found {
		return Result{}, fmt.Errorf("wrk printed no figures: %s", strings.TrimSpace(output))
	}
	line, _, _ = strings.Cut(line, "\n")
	var figures struct {
		Requests, Bytes, Microseconds         int64
		P50, P90, P99, P999, Max              float64
		Connect, Read, Write, Status, Timeout int64
	}
	if err := json.Unmarshal([]byte(line), &figures); err != nil {
		return Result{}, fmt.Errorf("wrk's figures %q: %w", line, err)
	}
	microseconds := func(n float64) time.Duration { return time.Duration(n * float64(time.Microsecond)) }
	return Result{
		Requests: figures.Requests,
		Bytes:    figures.Bytes,
		Elapsed:  microseconds(float64(figures.Microseconds)),
		P50:      microseconds(figures.P50),
		P90:      microseconds(figures.P90),
		P99:      microseconds(figures.P99),
		P999:     microseconds(figures.P999),
		Max:      microseconds(figures.Max),
		Failures: generate.Failures{
			Connect: figures.Connect,
			Read:    figures.Read,
			Write:   figures.Write,
			Status:  figures.Status,
			Timeout: figures.Timeout,
		},
	}, nil
}
