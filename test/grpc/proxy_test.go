package grpc

import (
	"context"
	"io"
	"net"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/status"

	"github.com/anygate/anygate/test/internal/product"
)

// TestErrors has the proxy answer by itself: what the client gets is a status of gRPC.
func TestErrors(t *testing.T) {
	eachEngine(t, func(t *testing.T, e product.Engine) {
		lis, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		nobody := lis.Addr().String()
		_ = lis.Close()
		s := product.Start(t, product.Config{Engine: e, Text: "routes: {\"/grpc.testing.TestService/\": h2c://" + nobody + ", \"/other.test/\": 403}\nlog: {access: stdout json}\n"})
		cc := dial(t, s.Addr)
		_, err = testgrpc.NewTestServiceClient(cc).EmptyCall(patient(t), &testgrpc.Empty{})
		expect(t, err, codes.Unavailable, "connect_refused")
		_, err = testgrpc.NewUnimplementedServiceClient(cc).UnimplementedCall(patient(t), &testgrpc.Empty{})
		expect(t, err, codes.Unimplemented, "404")
		s.Stop(t)
	})
}

func expect(t *testing.T, err error, code codes.Code, text string) {
	t.Helper()
	if got := status.Convert(err); got.Code() != code || !strings.Contains(got.Message(), text) {
		t.Errorf("%v, want %v with %q", err, code, text)
	}
}

// TestDeadline has an upstream that answers nothing until it is told that the call is over, which the client's deadline is.
func TestDeadline(t *testing.T) {
	eachEngine(t, func(t *testing.T, e product.Engine) {
		service := &sleeper{begun: make(chan struct{}, 100), ended: make(chan error, 100)}
		addr, _ := serve(t, service)
		s := through(t, e, addr, "")
		cc := dial(t, s.Addr)
		// On a busy machine a call may be over before it has reached the upstream: that shows nothing.
		for within := 200 * time.Millisecond; len(service.begun) == 0; within *= 2 {
			ctx, cancel := context.WithTimeout(patient(t), within)
			_, err := testgrpc.NewTestServiceClient(cc).EmptyCall(ctx, &testgrpc.Empty{})
			cancel()
			if expect(t, err, codes.DeadlineExceeded, ""); t.Failed() {
				return
			}
		}
		select {
		case <-service.ended:
		case <-time.After(patience):
			t.Error("the upstream is not told that the call is over")
		}
		s.Stop(t)
	})
}

// sleeper answers nothing until the call is cancelled.
type sleeper struct {
	testgrpc.UnimplementedTestServiceServer
	begun chan struct{}
	ended chan error
}

func (s *sleeper) EmptyCall(ctx context.Context, _ *testgrpc.Empty) (*testgrpc.Empty, error) {
	s.begun <- struct{}{}
	<-ctx.Done()
	s.ended <- ctx.Err()
	return nil, ctx.Err()
}

// TestLog looks for the status in the access log.
func TestLog(t *testing.T) {
	eachEngine(t, func(t *testing.T, e product.Engine) {
		addr, _ := serve(t, newService())
		s := through(t, e, addr, "")
		tc := testgrpc.NewTestServiceClient(dial(t, s.Addr))
		if _, err := tc.EmptyCall(patient(t), &testgrpc.Empty{}); err != nil {
			t.Fatal(err)
		}
		s.Stdout.Line(t, `"target":"/grpc.testing.TestService/EmptyCall"`, `"status":200,"grpc_status":0`, `"protocol":"HTTP/2.0"`)
		_, err := tc.UnaryCall(patient(t), &testgrpc.SimpleRequest{ResponseStatus: &testgrpc.EchoStatus{Code: 9, Message: "no"}})
		expect(t, err, codes.FailedPrecondition, "no")
		s.Stdout.Line(t, `"status":200,"grpc_status":9`)
		s.Stop(t)
	})
}

// TestBackPressure has an upstream that does not read, and one whose client does not: neither makes the proxy hold more than
// its windows.
func TestBackPressure(t *testing.T) {
	eachEngine(t, func(t *testing.T, e product.Engine) {
		stuck := &stuck{release: make(chan struct{})}
		addr, _ := serve(t, stuck)
		s := through(t, e, addr, "")
		tc := testgrpc.NewTestServiceClient(dial(t, s.Addr))
		ctx, cancel := context.WithCancel(patient(t))
		defer cancel()
		up, err := tc.StreamingInputCall(ctx)
		if err != nil {
			t.Fatal(err)
		}
		var sent atomic.Int64
		message := &testgrpc.StreamingInputCallRequest{Payload: &testgrpc.Payload{Body: make([]byte, 64<<10)}}
		go func() {
			for up.Send(message) == nil {
				sent.Add(64 << 10)
			}
		}()
		settle(t, &sent)
		if n := sent.Load(); n == 0 || n > 4<<20 {
			t.Errorf("%d bytes were taken for an upstream that does not read", n)
		}
		down, err := tc.StreamingOutputCall(ctx, &testgrpc.StreamingOutputCallRequest{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := down.Recv(); err != nil {
			t.Fatal(err)
		}
		settle(t, &stuck.sent)
		if n := stuck.sent.Load(); n == 0 || n > 4<<20 {
			t.Errorf("%d bytes were taken for a client that does not read", n)
		}
		close(stuck.release)
		for i := 0; i < 100; i++ {
			if _, err := down.Recv(); err != nil {
				t.Fatal(err)
			}
		}
		cancel()
		s.Stop(t)
	})
}

// settle waits until a number that grows has stood still for a while.
func settle(t *testing.T, n *atomic.Int64) {
	t.Helper()
	last, since := int64(-1), time.Now()
	for begin := time.Now(); time.Since(since) < 300*time.Millisecond; time.Sleep(10 * time.Millisecond) {
		if now := n.Load(); now != last || now == 0 {
			last, since = now, time.Now()
		}
		if time.Since(begin) > patience {
			t.Fatal("it never stands still")
		}
	}
}

// stuck reads nothing of what it is sent until it is released, and sends without end.
type stuck struct {
	testgrpc.UnimplementedTestServiceServer
	release chan struct{}
	sent    atomic.Int64
}

func (s *stuck) StreamingInputCall(stream testgrpc.TestService_StreamingInputCallServer) error {
	select {
	case <-s.release:
	case <-stream.Context().Done():
		return stream.Context().Err()
	}
	for {
		if _, err := stream.Recv(); err == io.EOF {
			return stream.SendAndClose(&testgrpc.StreamingInputCallResponse{})
		} else if err != nil {
			return err
		}
	}
}

func (s *stuck) StreamingOutputCall(_ *testgrpc.StreamingOutputCallRequest, stream testgrpc.TestService_StreamingOutputCallServer) error {
	message := &testgrpc.StreamingOutputCallResponse{Payload: &testgrpc.Payload{Body: make([]byte, 64<<10)}}
	for {
		if err := stream.Send(message); err != nil {
			return err
		}
		s.sent.Add(64 << 10)
	}
}

// TestRestart replaces the upstream's server by one after the other, gracefully, while calls are made: none of them fails.
func TestRestart(t *testing.T) {
	eachEngine(t, func(t *testing.T, e product.Engine) {
		a, first := serve(t, newService())
		b, second := serve(t, newService())
		s := through(t, e, a+", "+b, "")
		tc := testgrpc.NewTestServiceClient(dial(t, s.Addr))
		var calls atomic.Int64
		done := make(chan struct{})
		failed := make(chan error, 8)
		for range cap(failed) {
			go func() {
				for {
					select {
					case <-done:
						failed <- nil
						return
					default:
					}
					if _, err := tc.EmptyCall(context.WithoutCancel(t.Context()), &testgrpc.Empty{}); err != nil {
						failed <- err
						return
					}
					calls.Add(1)
				}
			}()
		}
		load := func() {
			for begin, n := time.Now(), calls.Load(); calls.Load() < n+200 && len(failed) == 0 && time.Since(begin) < patience; {
				runtime.Gosched()
			}
		}
		load()
		first.GracefulStop()
		load()
		close(done)
		for range cap(failed) {
			if err := <-failed; err != nil {
				t.Errorf("a call has failed: %v", err)
			}
		}
		second.Stop()
		s.Stop(t)
	})
}
