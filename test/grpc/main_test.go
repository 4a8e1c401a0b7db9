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
func serve(t *testing.T, service testgrpc.TestServiceServer) (addr string, s *grpc.Server) {
	t.Helper()
	s = grpc.NewServer()
	return serveOn(t, s, service), s
}

func serveOn(t *testing.T, s *grpc.Server, service testgrpc.TestServiceServer) (addr string) {
	t.Helper()
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	testgrpc.RegisterTestServiceServer(s, service)
	go func() { _ = s.Serve(lis) }()
	t.Cleanup(s.Stop)
	return lis.Addr().String()
}

// through starts an anygate in front of upstreams that speak h2c.
func through(t *testing.T, e product.Engine, members, more string) *product.Server {
	t.Helper()
	text := fmt.Sprintf("upstreams: {grpc: {members: [%s], protocol: h2c%s}}\nroutes: {\"/\": http://grpc}\nlog: {access: stdout json}\n", members, more)
	return product.Start(t, product.Config{Engine: e, Text: text})
}

// way is how a call gets to a server, and where TLS is spoken on it.
type way struct{ client, upstream bool }

func (w way) String() string {
	name := map[bool]string{false: "h2c", true: "TLS"}
	return name[w.client] + " to " + name[w.upstream]
}

// eachWay runs a test with TLS on either side of the product, on both, and on neither.
func eachWay(t *testing.T, f func(t *testing.T, w way, e product.Engine)) {
	for _, w := range []way{{false, false}, {true, false}, {false, true}, {true, true}} {
		t.Run(w.String(), func(t *testing.T) {
			eachEngine(t, func(t *testing.T, e product.Engine) { f(t, w, e) })
		})
	}
}

// open starts a server, an anygate in front of it, and a client of that. Whoever is spoken to over TLS is verified. The
// server has services besides that of the cases; more is for its pool.
func (w way) open(t *testing.T, e product.Engine, more string, services ...func(*grpc.Server)) (*product.Server, *grpc.ClientConn) {
	t.Helper()
	root := certtest.NewAuthority("AnyGate test root")
	leaf := root.Server("P-256", []string{"grpc.test"})
	dir := t.TempDir()
	for name, text := range map[string][]byte{"site.pem": slices.Concat(leaf.Chain, leaf.KeyPEM), "root.pem": root.PEM()} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pool, before, listen := "protocol: h2c", "", "127.0.0.1:0"
	server := grpc.NewServer()
	if w.upstream {
		pool = "protocol: h2, tls: {ca: root.pem, server-name: grpc.test}"
		server = grpc.NewServer(grpc.Creds(credentials.NewServerTLSFromCert(leaf.TLS())))
	}
	client := insecure.NewCredentials()
	if w.client {
		before, listen = "tls: {certificates: site.pem}\n", `"127.0.0.1:0 tls"`
		trusted := x509.NewCertPool()
		trusted.AddCert(root.Cert)
		client = credentials.NewClientTLSFromCert(trusted, "grpc.test")
	}
	for _, register := range services {
		register(server)
	}
	addr := serveOn(t, server, newService())
	text := fmt.Sprintf("%supstreams: {grpc: {members: [%s], %s%s}}\nroutes: {\"/\": http://grpc}\n", before, addr, pool, more)
	s := product.Start(t, product.Config{Engine: e, Dir: dir, Listen: listen, Text: text})
	return s, dialWith(t, s.Addr, client)
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
