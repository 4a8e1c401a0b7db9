package grpc

import (
	"context"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/interop"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"

	"github.com/anygate/anygate/test/internal/product"
	"github.com/anygate/anygate/tlsedge/certificate/certtest"
)

// patience bounds every test; nothing takes that long unless it is broken.
const patience = 20 * time.Second

var engines []product.Engine

func TestMain(m *testing.M) { os.Exit(run(m)) }

// run builds the product in its own module, whose dependencies are not those of this one.
func run(m *testing.M) int {
	if os.Getenv("ANYGATE_TEST_BINARY") == "" {
		dir, err := os.MkdirTemp("", "anygate-grpc-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 2
		}
		defer func() { _ = os.RemoveAll(dir) }()
		path := filepath.Join(dir, "anygate")
		build := exec.Command("go", "build", "-o", path, "./cmd/anygate")
		build.Dir = filepath.Join("..", "..")
		if out, err := build.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "building cmd/anygate: %v\n%s", err, out)
			return 2
		}
		_ = os.Setenv("ANYGATE_TEST_BINARY", path)
	}
	remove, err := product.Build()
	if err == nil {
		engines, err = product.Engines()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	defer remove()
	return m.Run()
}

func eachEngine(t *testing.T, f func(t *testing.T, e product.Engine)) {
	for _, e := range engines {
		t.Run(string(e), func(t *testing.T) { f(t, e) })
	}
}

// serve starts a server of gRPC on a port of its own.
func serve(t *testing.T, service testgrpc.TestServiceServer, o ...grpc.ServerOption) (addr string, s *grpc.Server) {
	t.Helper()
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s = grpc.NewServer(o...)
	testgrpc.RegisterTestServiceServer(s, service)
	go func() { _ = s.Serve(lis) }()
	t.Cleanup(s.Stop)
	return lis.Addr().String(), s
}

// through starts an anygate in front of upstreams that speak h2c.
func through(t *testing.T, e product.Engine, members, more string) *product.Server {
	t.Helper()
	text := fmt.Sprintf("upstreams: {grpc: {members: [%s], protocol: h2c%s}}\nroutes: {\"/\": http://grpc}\nlog: {access: stdout json}\n", members, more)
	return product.Start(t, product.Config{Engine: e, Text: text})
}

// throughTLS starts one whose clients speak TLS, and a client that verifies it.
func throughTLS(t *testing.T, e product.Engine, members string) (*product.Server, *grpc.ClientConn) {
	t.Helper()
	root := certtest.NewAuthority("AnyGate test root")
	leaf := root.Server("P-256", []string{"grpc.test"})
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "site.pem"), slices.Concat(leaf.Chain, leaf.KeyPEM), 0o600); err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf("tls: {certificates: site.pem}\nupstreams: {grpc: {members: [%s], protocol: h2c}}\nroutes: {\"/\": http://grpc}\n", members)
	s := product.Start(t, product.Config{Engine: e, Dir: dir, Listen: `"127.0.0.1:0 tls"`, Text: text})
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM(root.PEM())
	return s, dialWith(t, s.Addr, credentials.NewClientTLSFromCert(trusted, "grpc.test"))
}

// dial connects to an address without TLS.
func dial(t *testing.T, addr string) *grpc.ClientConn {
	t.Helper()
	return dialWith(t, addr, insecure.NewCredentials())
}

func dialWith(t *testing.T, addr string, c credentials.TransportCredentials) *grpc.ClientConn {
	t.Helper()
	cc, err := grpc.NewClient("passthrough:///"+addr, grpc.WithTransportCredentials(c))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cc.Close() })
	return cc
}

func patient(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

func newService() testgrpc.TestServiceServer { return interop.NewTestServer() }
