package recipes

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
)

// serve starts a server that says where it stands and what it was asked. It speaks HTTP/1.1 and, without TLS, HTTP/2; it
// answers gRPC, and greets over WebSocket.
func serve(addr string) error {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	s := &http.Server{Protocols: &protocols, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasPrefix(r.Header.Get("Content-Type"), "application/grpc"):
			greetGRPC(w, r)
		case strings.EqualFold(r.Header.Get("Upgrade"), "websocket"):
			greetWebSocket(w)
		case r.URL.Path == "/broken":
			w.WriteHeader(http.StatusInternalServerError)
		default:
			w.Header().Set("Content-Type", "text/plain")
			fmt.Fprintf(w, "%s: %s %s", addr, r.Method, r.URL.RequestURI())
			for _, name := range []string{"X-User", "X-Forwarded-Prefix"} {
				if v := r.Header.Get(name); v != "" {
					fmt.Fprintf(w, " %s=%s", name, v)
				}
			}
			fmt.Fprintln(w)
		}
	})}
	go func() { _ = s.Serve(ln) }()
	return nil
}

// greetGRPC answers a unary call with the message that came, and the status OK.
func greetGRPC(w http.ResponseWriter, r *http.Request) {
	var prefix [5]byte
	if _, err := io.ReadFull(r.Body, prefix[:]); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	message := make([]byte, min(1<<16, binary.BigEndian.Uint32(prefix[1:])))
	if _, err := io.ReadFull(r.Body, message); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/grpc")
	w.Header().Set("Trailer", "Grpc-Status")
	w.WriteHeader(http.StatusOK)
	_ = http.NewResponseController(w).Flush() // So that there is no Content-Length, which no server of gRPC sends.
	_, _ = w.Write(append(prefix[:], message...))
	w.Header().Set("Grpc-Status", "0")
}

// greetWebSocket accepts the example key of RFC 6455, says hello in a text frame, and closes.
func greetWebSocket(w http.ResponseWriter) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n\x81\x05hello\x88\x02\x03\xe8")
}
