package grpc

import (
	"context"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/interop"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"

	"github.com/anygate/anygate/test/internal/product"
)

// cases are the interoperability cases of grpc-go, but for orca_per_rpc, which is about load reports. A case that fails
// ends the test binary, and says which it is.
var cases = []struct {
	name string
	do   func(ctx context.Context, cc *grpc.ClientConn, tc testgrpc.TestServiceClient)
}{
	{"empty_unary", service(interop.DoEmptyUnaryCall)},
	{"large_unary", service(interop.DoLargeUnaryCall)},
	{"client_streaming", service(interop.DoClientStreaming)},
	{"server_streaming", service(interop.DoServerStreaming)},
	{"ping_pong", service(interop.DoPingPong)},
	{"empty_stream", service(interop.DoEmptyStream)},
	{"timeout_on_sleeping_server", service(interop.DoTimeoutOnSleepingServer)},
	{"cancel_after_begin", service(interop.DoCancelAfterBegin)},
	{"cancel_after_first_response", service(interop.DoCancelAfterFirstResponse)},
	{"status_code_and_message", service(interop.DoStatusCodeAndMessage)},
	{"special_status_message", service(interop.DoSpecialStatusMessage)},
	{"custom_metadata", service(interop.DoCustomMetadata)},
	{"unimplemented_method", func(ctx context.Context, cc *grpc.ClientConn, _ testgrpc.TestServiceClient) {
		interop.DoUnimplementedMethod(ctx, cc)
	}},
	{"unimplemented_service", func(ctx context.Context, cc *grpc.ClientConn, _ testgrpc.TestServiceClient) {
		interop.DoUnimplementedService(ctx, testgrpc.NewUnimplementedServiceClient(cc))
	}},
}

func service(do func(context.Context, testgrpc.TestServiceClient, ...grpc.CallOption)) func(context.Context, *grpc.ClientConn, testgrpc.TestServiceClient) {
	return func(ctx context.Context, _ *grpc.ClientConn, tc testgrpc.TestServiceClient) { do(ctx, tc) }
}

// TestInterop runs the cases.
func TestInterop(t *testing.T) {
	eachWay(t, func(t *testing.T, w way, e product.Engine) {
		s, cc := w.open(t, e, "")
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				t.Log("interop case", c.name)
				c.do(patient(t), cc, testgrpc.NewTestServiceClient(cc))
			})
		}
		s.Stop(t)
	})
}
