package grpc

import (
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health"
	healthgrpc "google.golang.org/grpc/health/grpc_health_v1"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/status"

	"github.com/anygate/anygate/test/internal/product"
)

// TestHealth has the server's own health service say whether it is to be asked.
func TestHealth(t *testing.T) {
	const name = "grpc.testing.TestService"
	eachWay(t, func(t *testing.T, w way, e product.Engine) {
		said := health.NewServer()
		said.SetServingStatus(name, healthgrpc.HealthCheckResponse_NOT_SERVING)
		s, cc := w.open(t, e, ", panic: off, health: {grpc: "+name+", every: 500ms, rise: 1, fall: 1}", func(s *grpc.Server) { healthgrpc.RegisterHealthServer(s, said) })
		tc := testgrpc.NewTestServiceClient(cc)
		s.Stderr.Line(t, "member", "is down", "not serving: NOT_SERVING")
		_, err := tc.EmptyCall(patient(t), &testgrpc.Empty{})
		expect(t, err, codes.Unavailable, "no_members")
		said.SetServingStatus(name, healthgrpc.HealthCheckResponse_SERVING)
		s.Stderr.Line(t, "member", "is up")
		// On a busy machine a check may take longer than it may, and fail.
		ctx := patient(t)
		_, err = tc.EmptyCall(ctx, &testgrpc.Empty{})
		for status.Code(err) == codes.Unavailable && s.Stderr.Count("member", "is down") > 1 {
			_, err = tc.EmptyCall(ctx, &testgrpc.Empty{})
		}
		if err != nil {
			t.Errorf("the call has failed: %v", err)
		}
		s.Stop(t)
	})
}
