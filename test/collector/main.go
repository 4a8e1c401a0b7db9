// Command collector receives traces by OTLP over HTTP, as the OpenTelemetry Collector does and with its own code, and writes
// each request that it gets as a line of JSON to the standard output. The first line is its address.
//
// It is a module of its own, so that the product's does not need what the Collector is made of.
package main

import (
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"

	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
)

func main() {
	key := flag.String("key", "", "value that the field X-Key of requests must have")
	failures := flag.Int("failures", 0, "how many requests are answered with 503 at first")
	flag.Parse()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(listener.Addr())
	mux := http.NewServeMux()
	left := make(chan struct{}, *failures)
	for range *failures {
		left <- struct{}{}
	}
	mux.HandleFunc("POST /v1/traces", func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-left:
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		default:
		}
		if r.Header.Get("X-Key") != *key {
			http.Error(w, "wrong key", http.StatusUnauthorized)
			return
		}
		if err := receive(w, r); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
		}
	})
	log.Fatal(http.Serve(listener, mux))
}

func receive(w http.ResponseWriter, r *http.Request) error {
	if kind := r.Header.Get("Content-Type"); kind != "application/x-protobuf" {
		return fmt.Errorf("content of the type %q", kind)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	request := ptraceotlp.NewExportRequest()
	if err := request.UnmarshalProto(body); err != nil {
		return err
	}
	line, err := (&ptrace.JSONMarshaler{}).MarshalTraces(request.Traces())
	if err != nil {
		return err
	}
	if _, err := os.Stdout.Write(append(line, '\n')); err != nil {
		return err
	}
	answer, err := ptraceotlp.NewExportResponse().MarshalProto()
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/x-protobuf")
	_, err = w.Write(answer)
	return err
}
