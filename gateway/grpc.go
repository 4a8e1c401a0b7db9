package gateway

import (
	"strconv"
	"sync/atomic"

	"github.com/anygate/anygate/http1"
	"github.com/anygate/anygate/proxy"
)

// A client of gRPC looks for a status of gRPC, and takes any other answer for a
// broken server. So what the gateway itself answers to a request of gRPC is a
// response without content that says 200 and has that status in its head, which
// gRPC calls Trailers-Only. Answers that a route has by configuration are given
// as they are.

// The statuses of gRPC that the gateway gives.
const (
	grpcUnknown           = 2
	grpcDeadlineExceeded  = 4
	grpcPermissionDenied  = 7
	grpcResourceExhausted = 8
	grpcUnimplemented     = 12
	grpcInternal          = 13
	grpcUnavailable       = 14
	grpcUnauthenticated   = 16
)

// grpcCodes is how many statuses gRPC has; they are counted from 0.
const grpcCodes = 17

// grpcStatusOf is what a status of HTTP means to a client of gRPC.
func grpcStatusOf(status int) int {
	switch status {
	case 400:
		return grpcInternal
	case 401:
		return grpcUnauthenticated
	case 403:
		return grpcPermissionDenied
	case 404, 405:
		return grpcUnimplemented
	case 413, 431:
		return grpcResourceExhausted
	case 429, 502, 503, 504:
		return grpcUnavailable
	}
	return grpcUnknown
}

// grpcPages are the answers by status of HTTP, grpcFailures those by what has
// become of the upstream.
var (
	grpcPages    = buildGRPCPages()
	grpcFailures = buildGRPCFailures()
)

func buildGRPCPages() (pages [lastError - firstError + 1]*Fixed) {
	for i := range pages {
		status := firstError + i
		if text := http1.StatusText(status); text != "" {
			pages[i] = grpcAnswer(grpcStatusOf(status), strconv.Itoa(status)+" "+text)
		}
	}
	return pages
}

func buildGRPCFailures() (pages [proxy.Failures + 1]*Fixed) {
	for i := 1; i <= proxy.Failures; i++ {
		f := proxy.Failure(i)
		code := grpcStatusOf(f.Status())
		if f == proxy.GRPCDeadline {
			code = grpcDeadlineExceeded
		}
		pages[i] = grpcAnswer(code, "upstream: "+f.String())
	}
	return pages
}

func grpcAnswer(code int, message string) *Fixed {
	block := http1.AppendField([]byte(nil), "Content-Type", "application/grpc")
	return newFixed(200, appendGRPCStatus(block, code, message), nil)
}

// appendGRPCStatus appends the fields that end a response. The message is of
// characters that need no encoding.
func appendGRPCStatus(dst []byte, code int, message string) []byte {
	dst = http1.AppendField(dst, "Grpc-Status", strconv.Itoa(code))
	return http1.AppendField(dst, "Grpc-Message", message)
}

// grpcState is what there is to know of an exchange of gRPC.
type grpcState struct {
	// asked says that the request is one of gRPC, open that the response has
	// begun and may have trailers.
	asked, open bool
	// seen is the status that the response has, and 1; 0 if it has none.
	seen uint8
}

// grpcCounts are how many exchanges had which status.
type grpcCounts [grpcCodes + 1]atomic.Uint64

// GRPCCount is how many exchanges of gRPC have ended with a status; those of a
// status that there is not are counted together, as one that follows the last.
// From any goroutine.
func (g *Gateway) GRPCCount(status int) uint64 {
	return g.grpc[min(uint(status), grpcCodes)].Load()
}

// sawGRPC notes a status of gRPC, in the head of a response or in its trailers.
func (x *Exchange) sawGRPC(lines []byte) {
	if status := proxy.GRPCStatus(lines); status >= 0 {
		x.countGRPC(status)
	}
}

func (x *Exchange) countGRPC(status int) {
	n := min(uint(status), grpcCodes)
	x.grpc.seen = uint8(n) + 1
	c := &x.g.grpc[n]
	c.Store(c.Load() + 1)
}

// answerGRPC answers a request of gRPC with what the gateway has to say.
func (x *Exchange) answerGRPC(f *Fixed) {
	x.sawGRPC(f.block)
	x.prebuilt(f)
}

// answerFailure answers a request that got nothing from its upstream.
func (x *Exchange) answerFailure(f proxy.Failure) {
	if x.grpc.asked {
		x.answerGRPC(grpcFailures[f])
		return
	}
	x.answer(f.Status())
}

// cutOffGRPC ends a response of gRPC whose rest does not come with a status, if
// it may have trailers. A reset would say less.
func (x *Exchange) cutOffGRPC(f proxy.Failure) bool {
	if !x.grpc.asked || !x.grpc.open {
		return false
	}
	page := grpcFailures[f]
	x.sawGRPC(page.block)
	x.end(page.block[grpcTrailers:])
	return true
}

// grpcTrailers is where the status begins in the fields of an answer, behind
// its media type.
var grpcTrailers = len(http1.AppendField([]byte(nil), "Content-Type", "application/grpc"))
