package traces

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// Target is a collector.
type Target struct {
	// Endpoint is where spans are posted to.
	Endpoint string
	// Service is what the spans are said to be of.
	Service string
	// Headers are fields of the requests.
	Headers http.Header
}

// client speaks OTLP over HTTP with protobuf. It is what OpenTelemetry's exporter sends by; that package's own client for
// HTTP links gRPC.
type client struct {
	to    *Target
	http  *http.Client
	pause func(ctx context.Context, d time.Duration) error
	// rejected is told how many spans the collector did not want although it took the batch.
	rejected func(n int64, why string)
}

var _ otlptrace.Client = (*client)(nil)

func newClient(to *Target, version string, rejected func(int64, string)) *client {
	headers := to.Headers.Clone()
	if headers == nil {
		headers = http.Header{}
	}
	headers.Set("Content-Type", "application/x-protobuf")
	headers.Set("User-Agent", "AnyGate/"+version+" OTLP")
	t := *to
	t.Headers = headers
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 1
	return &client{
		to: &t, pause: sleep, rejected: rejected,
		http: &http.Client{
			Transport: transport, Timeout: patience,
			// A collector that answers so is not one, and what is posted would not be posted again.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Start and Stop are there for the interface: connections are made when they are needed.
func (c *client) Start(context.Context) error { return nil }

// Stop closes idle connections.
func (c *client) Stop(context.Context) error {
	c.http.CloseIdleConnections()
	return nil
}

// refusal is the answer of a collector that has not taken a batch.
type refusal struct {
	status int
	after  time.Duration // what it asks for
}

func (r *refusal) Error() string { return "the collector answers " + strconv.Itoa(r.status) }

// again reports whether the batch may be sent once more (OTLP 1.x, section "Retryable Response Codes").
func (r *refusal) again() bool {
	return r.status == 429 || r.status == 502 || r.status == 503 || r.status == 504
}

// UploadTraces sends spans, again if need be.
func (c *client) UploadTraces(ctx context.Context, spans []*tracepb.ResourceSpans) error {
	// This message and the request of the protocol, which comes with gRPC, are the same on the wire: their only field is the
	// same.
	body, err := proto.Marshal(&tracepb.TracesData{ResourceSpans: spans})
	if err != nil {
		return err
	}
	pause := pauseLeast
	for attempt := 1; ; attempt++ {
		err := c.post(ctx, body)
		var r *refusal
		if err == nil || errors.As(err, &r) && !r.again() || attempt == attempts || ctx.Err() != nil {
			return err
		}
		wait := pause
		if r != nil && r.after > 0 {
			wait = min(r.after, pauseMost)
		}
		if c.pause(ctx, wait) != nil {
			return err
		}
		pause = min(2*pause, pauseMost)
	}
}

func (c *client) post(ctx context.Context, body []byte) error {
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, c.to.Endpoint, bytes.NewReader(body))
	if err != nil {
		return err
	}
	q.Header = c.to.Headers
	a, err := c.http.Do(q)
	if err != nil {
		return fmt.Errorf("the collector cannot be reached: %w", err)
	}
	defer a.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(a.Body, answerBytes))
	if a.StatusCode < 200 || a.StatusCode > 299 {
		r := &refusal{status: a.StatusCode}
		if s, err := strconv.Atoi(a.Header.Get("Retry-After")); err == nil && s > 0 {
			r.after = time.Duration(min(s, 3600)) * time.Second
		}
		return r
	}
	if err != nil {
		return fmt.Errorf("the collector's answer: %w", err)
	}
	if n, why := partialSuccess(answer); n > 0 {
		c.rejected(n, why)
	}
	return nil
}

// partialSuccess reads ExportTraceServiceResponse.partial_success: how many spans were rejected, and why.
func partialSuccess(answer []byte) (rejected int64, why string) {
	each(answer, func(field protowire.Number, _ uint64, inner []byte) {
		if field != 1 {
			return
		}
		each(inner, func(field protowire.Number, number uint64, text []byte) {
			switch field {
			case 1:
				rejected = int64(number)
			case 2:
				why = string(text)
			}
		})
	})
	return rejected, why
}

// each goes through the fields of a message, as far as it is one.
func each(b []byte, f func(field protowire.Number, number uint64, text []byte)) {
	for len(b) > 0 {
		field, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			return
		}
		b = b[n:]
		var number uint64
		var text []byte
		switch kind {
		case protowire.VarintType:
			number, n = protowire.ConsumeVarint(b)
		case protowire.BytesType:
			text, n = protowire.ConsumeBytes(b)
		default:
			n = protowire.ConsumeFieldValue(field, kind, b)
		}
		if n < 0 {
			return
		}
		f(field, number, text)
		b = b[n:]
	}
}
