// Command fasthttpd serves the benchmark's site with github.com/valyala/fasthttp, as a peer to measure against: a
// radix-free switch on the path, its file server with cached descriptors, and its client with pooled connections.
//
//	fasthttpd PORT ROOT UPSTREAM-PORT [TLS-PORT CERTIFICATE KEY]
//
// Coded forms of files are kept below the working directory.
package main

import (
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"github.com/valyala/fasthttp"
)

func main() {
	if len(os.Args) != 4 && len(os.Args) != 7 {
		fmt.Fprintln(os.Stderr, "usage: fasthttpd PORT ROOT UPSTREAM-PORT [TLS-PORT CERTIFICATE KEY]")
		os.Exit(2)
	}
	if err := serve(os.Args[1], os.Args[2], os.Args[3], os.Args[4:]); err != nil {
		fmt.Fprintln(os.Stderr, "fasthttpd:", err)
		os.Exit(1)
	}
}

func serve(port, root, upstream string, secure []string) error {
	files := (&fasthttp.FS{
		Root:          root,
		CacheDuration: time.Hour,
	}).NewRequestHandler()
	coded := (&fasthttp.FS{
		Root:          root,
		Compress:      true,
		CompressRoot:  "compressed",
		CacheDuration: time.Hour,
	}).NewRequestHandler()
	client := &fasthttp.HostClient{
		Addr:                          "127.0.0.1:" + upstream,
		MaxConns:                      16384,
		MaxIdleConnDuration:           time.Hour,
		ReadBufferSize:                64 << 10,
		NoDefaultUserAgentHeader:      true,
		DisableHeaderNamesNormalizing: true,
		DisablePathNormalizing:        true,
	}
	ok := []byte("OK")
	server := &fasthttp.Server{
		Handler: func(ctx *fasthttp.RequestCtx) {
			switch path := string(ctx.Path()); {
			case path == "/fixed":
				ctx.SetBody(ok)
			case strings.HasPrefix(path, "/static/"):
				files(ctx)
			case strings.HasPrefix(path, "/coded/"):
				coded(ctx)
			case strings.HasPrefix(path, "/proxy/"):
				ctx.Request.Header.Del("Connection")
				if err := client.Do(&ctx.Request, &ctx.Response); err != nil {
					ctx.Error("bad gateway", fasthttp.StatusBadGateway)
					return
				}
				ctx.Response.Header.Del("Connection")
			default:
				ctx.NotFound()
			}
		},
		IdleTimeout:        time.Hour,
		MaxRequestBodySize: 64 << 20,
		Concurrency:        1 << 17,
	}
	listener, err := net.Listen("tcp4", "127.0.0.1:"+port)
	if err != nil {
		return err
	}
	if len(secure) == 0 {
		return server.Serve(listener)
	}
	secureListener, err := net.Listen("tcp4", "127.0.0.1:"+secure[0])
	if err != nil {
		return err
	}
	ended := make(chan error, 2)
	go func() { ended <- server.Serve(listener) }()
	go func() { ended <- server.ServeTLS(secureListener, secure[1], secure[2]) }()
	return <-ended
}
