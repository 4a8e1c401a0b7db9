package peer

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"
)

// Collector is a running receiver of traces, the program of test/collector.
type Collector struct {
	// Addr is where it takes OTLP over HTTP.
	Addr  string
	spans chan Span
}

// Span is a span as the collector has understood it.
type Span struct {
	TraceID           string `json:"traceId"`
	SpanID            string `json:"spanId"`
	ParentSpanID      string `json:"parentSpanId"`
	TraceState        string `json:"traceState"`
	Name              string `json:"name"`
	Kind              int    `json:"kind"`
	StartTimeUnixNano string `json:"startTimeUnixNano"`
	EndTimeUnixNano   string `json:"endTimeUnixNano"`
	Status            struct {
		Code int `json:"code"`
	} `json:"status"`
	List []struct {
		Key   string         `json:"key"`
		Value map[string]any `json:"value"`
	} `json:"attributes"`

	// Attributes are those of List, as text. Resource are those of the resource.
	Attributes, Resource map[string]string `json:"-"`
}

// BuildCollector builds the program, which is a module of its own.
func BuildCollector(t testing.TB) (program string) {
	t.Helper()
	_, here, _, _ := runtime.Caller(0)
	program = filepath.Join(t.TempDir(), "collector")
	build := exec.Command("go", "build", "-o", program, ".")
	build.Dir = filepath.Join(filepath.Dir(here), "..", "..", "collector")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the collector: %v\n%s", err, out)
	}
	return program
}

// StartCollector starts it with arguments of its own.
func StartCollector(t testing.TB, program string, args ...string) *Collector {
	t.Helper()
	cmd := exec.Command(program, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 16<<20)
	if !lines.Scan() {
		t.Fatalf("the collector has not started: %v", lines.Err())
	}
	c := &Collector{Addr: lines.Text(), spans: make(chan Span, 1000)}
	go func() {
		for lines.Scan() {
			for _, s := range readSpans(lines.Bytes()) {
				c.spans <- s
			}
		}
	}()
	return c
}

func readSpans(line []byte) (list []Span) {
	type attributes = []struct {
		Key   string         `json:"key"`
		Value map[string]any `json:"value"`
	}
	var request struct {
		ResourceSpans []struct {
			Resource struct {
				Attributes attributes `json:"attributes"`
			} `json:"resource"`
			ScopeSpans []struct {
				Spans []Span `json:"spans"`
			} `json:"scopeSpans"`
		} `json:"resourceSpans"`
	}
	if err := json.Unmarshal(line, &request); err != nil {
		return []Span{{Name: "not to be read: " + err.Error()}}
	}
	flat := func(a attributes) map[string]string {
		m := make(map[string]string)
		for _, kv := range a {
			for _, v := range kv.Value {
				m[kv.Key] = fmt.Sprint(v)
			}
		}
		return m
	}
	for _, r := range request.ResourceSpans {
		for _, scope := range r.ScopeSpans {
			for _, s := range scope.Spans {
				s.Attributes, s.Resource = flat(s.List), flat(r.Resource.Attributes)
				list = append(list, s)
			}
		}
	}
	return list
}

// Spans waits for so many spans.
func (c *Collector) Spans(t testing.TB, n int) (list []Span) {
	t.Helper()
	timeout := time.After(30 * time.Second)
	for len(list) < n {
		select {
		case s := <-c.spans:
			list = append(list, s)
		case <-timeout:
			t.Fatalf("only %d spans of %d have come: %+v", len(list), n, list)
		}
	}
	return list
}
