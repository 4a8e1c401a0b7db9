// Package grpc tests gRPC through the anygate binary, with grpc-go as the client and as the upstream: its interoperability
// cases, and what the proxy adds of its own. It is a module by itself, so that nothing of grpc-go is in the product's.
package grpc
